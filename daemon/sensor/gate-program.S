/* SPDX-License-Identifier: MIT */

/*
 * The file that a gate's process runs: a whole ELF executable, 228 bytes. It does nothing but be there, since its
 * executable is the gate (gate-fuse.h). Descriptor 0 is a pipe, to which it says that it has got so far.
 */

	.section .rodata
	.globl	esd_gate_program, esd_gate_program_end
	.balign	8

#ifdef __x86_64__
#include <asm/unistd_64.h>

#define BASE 0x400000
#define PR_SET_PDEATHSIG 1
#define SIGKILL 9
#define MCL_CURRENT 1

esd_gate_program:
	.byte	0x7f, 'E', 'L', 'F', 2, 1, 1, 0	/* 64 bits, little endian, version 1, System V */
	.quad	0
	.short	2, 62				/* ET_EXEC, EM_X86_64 */
	.long	1
	.quad	BASE + start - esd_gate_program
	.quad	header - esd_gate_program
	.quad	0
	.long	0
	.short	64, 56, 1, 0, 0, 0		/* sizes: this header, one program header */
header:
	.long	1, 5				/* PT_LOAD, readable and executable */
	.quad	0, BASE, BASE
	.quad	esd_gate_program_end - esd_gate_program
	.quad	esd_gate_program_end - esd_gate_program
	.quad	0x1000
start:
	/* Again, after the exec: the kernel forgets it at an exec that changes the security context. */
	mov	$__NR_prctl, %eax
	mov	$PR_SET_PDEATHSIG, %edi
	mov	$SIGKILL, %esi
	syscall
	/* Its one page stays: to read it again would be a request to the client. Does no harm if it's not allowed. */
	mov	$__NR_mlockall, %eax
	mov	$MCL_CURRENT, %edi
	syscall
	mov	$__NR_write, %eax
	xor	%edi, %edi
	mov	%rsp, %rsi
	mov	$1, %edx
	syscall
	dec	%eax				/* the daemon is gone: it wouldn't end us */
	jnz	2f
	mov	$__NR_close, %eax
	syscall
1:	mov	$__NR_pause, %eax
	syscall
	jmp	1b
2:	mov	$__NR_exit_group, %eax
	syscall
#else
esd_gate_program:
#endif
esd_gate_program_end:
	.section .note.GNU-stack, "", %progbits
