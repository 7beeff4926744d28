/* SPDX-License-Identifier: MIT */

/*
 * A 32-bit program without a library. It makes one 32-bit system call on the path in its second argument, and exits with
 * its errno. The first argument chooses: o opens, u unlinks, m makes a directory, t truncates, f sets the nodump flag, as
 * chattr +d does, r reads a directory by the oldest call for that.
 */

static int call(int number, const void *first, long second, long third)
{
	int result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(second), "d"(third) : "memory");
	return result;
}

__attribute__((used)) static void begin(char **stack)
{
	enum { NR_EXIT = 1, NR_OPEN = 5, NR_UNLINK = 10, NR_MKDIR = 39, NR_IOCTL = 54, NR_READDIR = 89, NR_TRUNCATE = 92,
	       FS_IOC32_SETFLAGS = 0x40046602, FS_NODUMP_FL = 0x40 };
	const char *path = stack[3];
	int flags = FS_NODUMP_FL;
	char entry[512];
	int result = -1;

	switch (stack[2][0]) {
	case 'o':
		result = call(NR_OPEN, path, 0, 0);
		break;
	case 'u':
		result = call(NR_UNLINK, path, 0, 0);
		break;
	case 'm':
		result = call(NR_MKDIR, path, 0700, 0);
		break;
	case 't':
		result = call(NR_TRUNCATE, path, 1, 0);
		break;
	case 'f':
		result = call(NR_OPEN, path, 0, 0);
		if (result >= 0)
			result = call(NR_IOCTL, (void *)(long)result, FS_IOC32_SETFLAGS, (long)&flags);
		break;
	case 'r':
		result = call(NR_OPEN, path, 0, 0);
		if (result >= 0)
			result = call(NR_READDIR, (void *)(long)result, (long)entry, 1);
		break;
	}
	for (;;)
		call(NR_EXIT, (void *)(long)(result < 0 ? -result : 0), 0, 0);
}

__asm__(".globl _start\n_start:\n\tmovl %esp, %eax\n\tpushl %eax\n\tcall begin\n");
