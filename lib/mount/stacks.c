/* SPDX-License-Identifier: MIT */
/* See stacks.h. */
#include "stacks.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fusetrace/fusetrace.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "process/process_file.h"
#include "process/unseen.h"

#define STACK_BYTES 4096
/* The function of the kernel's fs/fuse/dev.c in which a caller waits for the daemon's reply. */
#define WAITING "request_wait_answer"

static void print_indented(FILE *out, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		fprintf(out, "  %s\n", line);
}

void ft_stacks_of_thread(FILE *out, const char *what, pid_t pid, pid_t thread)
{
	char text[STACK_BYTES], name[4 * FT_PROCESS_NAME_SIZE];
	struct ft_process_stat stat;
	int r;

	if (ft_process_stat(pid, thread, &stat) < 0)
		return;
	ft_text_escape((struct ft_bytes){stat.name, strlen(stat.name)}, name, sizeof(name));
	fprintf(out, "%s %d, thread %d (%s), state %c", what, pid, thread, name, stat.state);
	if (ft_process_file(pid, thread, "syscall", text, sizeof(text)) > 0)
		fprintf(out, ", system call %.*s", (int)strcspn(text, " "), text);
	if (ft_process_file(pid, thread, "wchan", text, sizeof(text)) > 0 && strcmp(text, "0") != 0)
		fprintf(out, ", waits in %s", text);
	fputc('\n', out);
	r = ft_process_file(pid, thread, "stack", text, sizeof(text));
	if (r > 0)
		print_indented(out, text);
	else if (r == -EACCES || r == -EPERM)
		fputs("  its stack is for root to read\n", out);
}

/* Calls fn for each thread of pid. 0 or a negative errno. */
static int each_thread(pid_t pid, void (*fn)(FILE *, const char *, pid_t, pid_t), FILE *out,
		       const char *what)
{
	DIR *dir FT_AUTO_CLOSEDIR = NULL;
	struct dirent *entry;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			fn(out, what, pid, (pid_t)atoi(entry->d_name));
	}
	return dir ? 0 : -errno;
}

void ft_stacks_of_process(FILE *out, const char *what, pid_t pid)
{
	int r = each_thread(pid, ft_stacks_of_thread, out, what);

	if (r == -ENOENT && ft_unseen_is_hidden(pid))
		fprintf(out, "%s %d: /proc hides it from us (hidepid)\n", what, pid);
	else if (r < 0 && r != -ENOENT)
		fprintf(out, "%s %d: its threads are not readable: %s\n", what, pid,
			fusetrace_strerror(r));
}

static void if_waiting(FILE *out, const char *what, pid_t pid, pid_t thread)
{
	char text[128];

	if (ft_process_file(pid, thread, "wchan", text, sizeof(text)) > 0 && strstr(text, WAITING))
		ft_stacks_of_thread(out, what, pid, thread);
}

void ft_stacks_of_waiting(FILE *out, const char *what)
{
	DIR *dir FT_AUTO_CLOSEDIR = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			each_thread((pid_t)atoi(entry->d_name), if_waiting, out, what);
	}
}
