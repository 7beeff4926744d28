/* SPDX-License-Identifier: MIT */

/*
 * The file that a gate's process runs: a whole ELF executable, below 300 bytes. It has to be there, since its executable
 * is the gate, and aborts the connection when the daemon ends (gate-fuse.h). Its descriptors: 0 a pipe, to which it says
 * that it has got so far; 1 the connection's abort file; 2 and 3 are readable when the daemon ends.
 */

	.section .rodata
	.globl	esd_gate_program, esd_gate_program_end
	.balign	8

#ifdef __x86_64__
#include <asm/unistd_64.h>

#define BASE 0x400000
#define PR_SET_PDEATHSIG 1
#define SIGCONT 18
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
	mov	$SIGCONT, %esi
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
	mov	$__NR_close, %eax
	syscall
	/* struct pollfd[2]: the daemon's process, and what tells of its end earlier */
	mov	$1, %eax			/* POLLIN */
	shl	$32, %rax
	lea	3(%rax), %rdi
	push	%rdi
	lea	2(%rax), %rdi
	push	%rdi
1:	mov	$__NR_poll, %eax
	mov	%rsp, %rdi
	mov	$2, %esi
	mov	$-1, %edx
	syscall
	cmp	$0, %eax
	jle	1b
	mov	$__NR_write, %eax
	mov	$1, %edi
	lea	one(%rip), %rsi
	mov	$1, %edx
	syscall
	mov	$__NR_exit_group, %eax
	xor	%edi, %edi
	syscall
one:
	.byte	'1'
#else
esd_gate_program:
#endif
esd_gate_program_end:
	.section .note.GNU-stack, "", %progbits
