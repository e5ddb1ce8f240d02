/* SPDX-License-Identifier: MIT */
/*
 * fusetrace doctor: what works here, a line a check, and what to do about what does not. Only the
 * last word counts, which is to load the programs for real; the checks before it say why. Then the
 * mounts, and what ended processes have left; with --clean that is taken away, and nothing else done.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fusetrace/fusetrace.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "command.h"
#include "leftovers_view.h"
#include "message.h"
#include "mount_paths.h"
#include "options.h"
#include "output.h"
#include "process/connection.h"
#include "views/json.h"
#include "views/names.h"
#include "views/view.h"

#define OK 0u
#define WARN 1u
#define NO 2u

#define PIDS_MAX 8

/* Bits of CapEff in /proc/self/status. */
#define CAPABILITY_SYS_ADMIN 21
#define CAPABILITY_PERFMON 38
#define CAPABILITY_BPF 39

struct finding {
	uint32_t level;
	char text[300];
	char advice[300]; /* empty: nothing to do */
};

/* ---- what is found ---- */

__attribute__((format(printf, 4, 5))) static void found(struct finding *finding, uint32_t level,
							const char *advice, const char *format, ...)
{
	va_list arguments;

	finding->level = level;
	snprintf(finding->advice, sizeof(finding->advice), "%s", advice);
	va_start(arguments, format);
	vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
}

static void check_device(struct finding *finding)
{
	int fd FT_AUTO_CLOSE = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		found(finding, OK, "", "/dev/fuse can be opened");
	else if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		found(finding, NO, "'modprobe fuse', or give the container '--device /dev/fuse'",
		      "/dev/fuse: %s", strerror(errno));
	else
		found(finding, WARN, "only those who may open it can mount without fusermount3",
		      "/dev/fuse: %s", strerror(errno));
}

/* The first one along PATH. Free with free(). */
static char *find_program(const char *name)
{
	const char *at = getenv("PATH");

	while (at && *at) {
		size_t length = strcspn(at, ":");
		char *path = NULL;

		if (asprintf(&path, "%.*s/%s", (int)length, at, name) < 0)
			return NULL;
		if (access(path, X_OK) == 0)
			return path;
		free(path);
		at += length + (at[length] == ':');
	}
	return NULL;
}

static void check_fusermount(struct finding *finding)
{
	char *path FT_AUTO_FREE = find_program("fusermount3");
	struct stat status;

	if (!path || stat(path, &status) < 0)
		found(finding, WARN, "install the package fuse3",
		      "fusermount3 is not there: only root can mount");
	else if (!(status.st_mode & S_ISUID) || status.st_uid != 0)
		found(finding, WARN, "'chmod u+s' it as root",
		      "%s is not setuid root: only root can mount", path);
	else
		found(finding, OK, "", "%s lets users mount", path);
}

static void check_kernel(struct finding *finding)
{
	unsigned int major = 0, minor = 0;
	struct utsname names;

	uname(&names);
	if (sscanf(names.release, "%u.%u", &major, &minor) != 2)
		major = 0;
	if (major > 6 || (major == 6 && minor >= 11))
		found(finding, OK, "", "Linux %s", names.release);
	else
		found(finding, WARN, "the fuse tracepoints came with Linux 6.11: use a newer one",
		      "Linux %s", names.release);
}

static bool read_capabilities(uint64_t *ret_capabilities)
{
	FILE *file FT_AUTO_FCLOSE = fopen("/proc/self/status", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "CapEff: %" SCNx64, ret_capabilities) == 1)
			return true;
	}
	return false;
}

static void check_rights(struct finding *finding)
{
	uint64_t capabilities = 0;
	bool is_known = read_capabilities(&capabilities);
	bool is_admin = capabilities >> CAPABILITY_SYS_ADMIN & 1;
	bool has_bpf = capabilities >> CAPABILITY_BPF & 1;
	bool has_perfmon = capabilities >> CAPABILITY_PERFMON & 1;

	if (!is_known)
		found(finding, WARN, "mount /proc", "capabilities are not known");
	else if (is_admin || (has_bpf && has_perfmon))
		found(finding, OK, "", "CAP_BPF and CAP_PERFMON");
	else
		found(finding, NO,
		      "run it as root, or 'setcap cap_bpf,cap_perfmon+ep' on the program",
		      "%s is missing",
		      has_bpf       ? "CAP_PERFMON"
		      : has_perfmon ? "CAP_BPF"
				    : "CAP_BPF and CAP_PERFMON");
}

static void check_btf(struct finding *finding)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		found(finding, OK, "", "the kernel describes its types");
	else
		found(finding, NO, "use a kernel with CONFIG_DEBUG_INFO_BTF=y",
		      "/sys/kernel/btf/vmlinux: %s", strerror(errno));
}

/* Whether the type descriptions in that file name the tracepoint. */
static bool describes(const char *path, const char *name)
{
	int fd FT_AUTO_CLOSE = open(path, O_RDONLY | O_CLOEXEC);
	char *text FT_AUTO_FREE = NULL;
	size_t size = 0, room = 0;
	ssize_t length = 1;

	while (fd >= 0 && length > 0) {
		if (size == room) {
			char *more = realloc(text, room += 8u << 20);

			if (!more)
				return false;
			text = more;
		}
		length = read(fd, text + size, room - size);
		size += length > 0 ? (size_t)length : 0;
	}
	return size && memmem(text, size, name, strlen(name) + 1);
}

static void check_tracepoints(struct finding *finding)
{
	static const char *const files[] = {"/sys/kernel/btf/vmlinux", "/sys/kernel/btf/fuse"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (!describes(files[i], "btf_trace_fuse_request_send") ||
		    !describes(files[i], "btf_trace_fuse_request_end"))
			continue;
		found(finding, OK, "", "fuse_request_send and fuse_request_end");
		return;
	}
	found(finding, NO, "'modprobe fuse', or use Linux 6.11 or newer",
	      "fuse_request_send and fuse_request_end are not there");
}

static void check_fusectl(struct finding *finding)
{
	if (ft_connections_are_mounted())
		found(finding, OK, "", FT_CONNECTIONS " is mounted");
	else
		found(finding, WARN, "'mount -t fusectl none " FT_CONNECTIONS "'",
		      FT_CONNECTIONS " is not mounted: a hanging filesystem cannot be aborted");
}

/* The monitor stays: with it the programs are loaded once for all mounts that are looked at. */
static void check_bpf(struct finding *finding, struct fusetrace_monitor **ret_monitor)
{
	struct fusetrace_error error = {.text = "out of memory"};
	uint64_t begun_ns = ft_now_ns();
	char duration[FT_DURATION_SIZE];
	int r = fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.flags = FUSETRACE_MONITOR_PENDING |
								      FUSETRACE_MONITOR_NO_THREAD),
				      ret_monitor, &error);

	if (r == 0)
		r = fusetrace_monitor_start(*ret_monitor, &error);
	if (r < 0) {
		found(finding, NO, "see the checks above", "%s", error.text);
		return;
	}
	ft_format_duration(ft_now_ns() - begun_ns, false, duration, sizeof(duration));
	found(finding, OK, "", "the programs were loaded and attached in %s", duration);
}

/* ---- how it is told ---- */

static void tell(struct output *output, bool is_json, const char *name,
		 const struct finding *finding)
{
	static const char *const words[] = {"ok", "warn", "no"};
	static const char *const colors[] = {"\033[32m", "\033[33m", "\033[31m"};
	char *text FT_AUTO_FREE = name_escape(ft_bytes_of(finding->text));
	const char *color = output->has_color ? colors[finding->level] : "";

	if (!text)
		return;
	if (!is_json) {
		output_printf(output, "%s%-4s%s  %-11s  %s%s%s\n", color, words[finding->level],
			      color[0] ? "\033[0m" : "", name, text, finding->advice[0] ? ": " : "",
			      finding->advice);
		return;
	}
	output_printf(output, "{\"v\":1,\"event\":\"check\",\"check\":\"%s\",\"result\":\"%s\"",
		      name, words[finding->level]);
	json_put_name(output, "text", ft_bytes_of(finding->text));
	if (finding->advice[0])
		json_put_name(output, "advice", ft_bytes_of(finding->advice));
	output_put(output, "}\n", 2);
}

/* ---- the mounts ---- */

struct mount_list {
	struct output *output;
	bool is_json;
	bool can_trace;
	int count;
};

/* Requests in flight by the kernel's count; -1 where it is not told. */
static long waiting_of(const char *mountpoint)
{
	dev_t device;

	if (!mount_device(mountpoint, &device))
		return -1;
	return ft_connection_waiting(major(device) << 20 | minor(device));
}

static int daemons_of(const char *mountpoint, pid_t *pids)
{
	struct fusetrace_monitor *monitor = NULL;
	int count = 0;

	if (fusetrace_monitor_new(FUSETRACE_MONITOR_OPTS(.mount = mountpoint,
							 .flags = FUSETRACE_MONITOR_NO_THREAD),
				  &monitor, NULL) == 0 &&
	    fusetrace_monitor_start(monitor, NULL) == 0)
		count = fusetrace_monitor_daemons(monitor, pids, PIDS_MAX);
	fusetrace_monitor_free(monitor);
	return count < PIDS_MAX ? count : PIDS_MAX;
}

static void tell_mount_as_json(struct output *output, const char *mountpoint, const char *type,
			       const pid_t *pids, int count, long waiting)
{
	output_printf(output, "{\"v\":1,\"event\":\"mount\"");
	json_put_name(output, "mount", ft_bytes_of(mountpoint));
	json_put_name(output, "type", ft_bytes_of(type));
	if (waiting >= 0)
		json_put_number(output, "waiting", (uint64_t)waiting);
	output_printf(output, ",\"pids\":[");
	for (int i = 0; i < count; i++)
		output_printf(output, "%s%d", i ? "," : "", (int)pids[i]);
	output_printf(output, "]}\n");
}

static void tell_mount(const char *mountpoint, const char *type, void *data)
{
	struct mount_list *list = data;
	char *name FT_AUTO_FREE = name_escape(ft_bytes_of(mountpoint));
	pid_t pids[PIDS_MAX];
	int count = list->can_trace ? daemons_of(mountpoint, pids) : 0;
	long waiting = waiting_of(mountpoint);

	list->count++;
	if (list->is_json) {
		tell_mount_as_json(list->output, mountpoint, type, pids, count, waiting);
		return;
	}
	output_printf(list->output, "      %-11s  %s (%s", "mount", name ? name : "", type);
	for (int i = 0; i < count; i++)
		output_printf(list->output, "%s %d", i ? "," : ", daemon", (int)pids[i]);
	if (waiting > 0)
		output_printf(list->output, ", %ld in flight", waiting);
	output_printf(list->output, ")\n");
}

static void tell_mounts(struct output *output, bool is_json, bool can_trace)
{
	struct mount_list list = {output, is_json, can_trace, 0};

	mount_each(tell_mount, &list);
	if (!is_json && list.count == 0)
		output_printf(output, "      %-11s  there is none\n", "mount");
}

/* ---- the command ---- */

static const struct check {
	const char *name;
	void (*run)(struct finding *finding);
} checks[] = {
	{"device", check_device},   {"fusermount3", check_fusermount},
	{"fusectl", check_fusectl}, {"kernel", check_kernel},
	{"btf", check_btf},         {"tracepoints", check_tracepoints},
	{"rights", check_rights},
};

static int examine(struct output *output, bool is_json)
{
	struct fusetrace_monitor *monitor = NULL;
	struct finding finding;
	bool can_trace;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		checks[i].run(&finding);
		tell(output, is_json, checks[i].name, &finding);
	}
	check_bpf(&finding, &monitor);
	can_trace = finding.level == OK;
	tell(output, is_json, "bpf", &finding);
	tell_mounts(output, is_json, can_trace);
	leftovers_list(output, is_json);
	fusetrace_monitor_free(monitor);
	if (!is_json)
		output_printf(output, "\n%s\n",
			      can_trace ? "Operations can be traced here."
					: "Operations cannot be traced here.");
	return can_trace ? EXIT_SATISFIED : EXIT_CANNOT_RUN;
}

static int run(const struct options *options)
{
	bool is_json = view_kinds[options->format] == &view_json;
	struct fusetrace_error error;
	struct output output;
	int r, written;

	if (output_open(&output, NULL, options->color, &error) < 0)
		return fail(EXIT_SETUP, "%s", error.text);
	r = options->clean ? leftovers_clean(&output, is_json) : examine(&output, is_json);
	written = output_flush(&output, FUSETRACE_FOREVER, -1);
	output_done(&output);
	if (written < 0 && written != -EPIPE)
		return fail(EXIT_SETUP, "cannot write to standard output: %s: make room",
			    strerror(-written));
	return r;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.usage = "[OPTIONS]",
	.summary = "tell what works here and what to do about the rest",
	.details =
		"Exit code 0 if operations can be traced, else 77. With --clean 0 if nothing is left,\n"
		"else 1.\n",
	.options = OPTIONS_FORMAT | OPTIONS_CLEAN,
	.operand = OPERAND_NONE,
	.run = run,
};
