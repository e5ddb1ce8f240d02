/* SPDX-License-Identifier: MIT */
/*
 * Options. fuse_opt_parse() goes through the arguments; whatever is not in the table below stays
 * for libfuse, which knows -f, -d, -o allow_other and many more and refuses what it does not know.
 */
#include "options.h"

#include <errno.h>
#include <fuse_opt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <fusetrace/fusetrace.h>

#include "branch.h"
#include "policy.h"
#include "support.h"

enum option_key {
	KEY_POLICY,
	KEY_FAULT,
	KEY_WRITE_BEHIND,
	KEY_WRITEBACK_CACHE,
	KEY_DIRECT_IO,
	KEY_HARD_REMOVE,
	KEY_TRACE,
	KEY_TRACE_FILE,
	KEY_ALLOW_OTHER,
};

static const struct fuse_opt templates[] = {
	FUSE_OPT_KEY("policy=", KEY_POLICY),
	FUSE_OPT_KEY("delay=", KEY_FAULT),
	FUSE_OPT_KEY("fail=", KEY_FAULT),
	FUSE_OPT_KEY("hang=", KEY_FAULT),
	FUSE_OPT_KEY("crash=", KEY_FAULT),
	FUSE_OPT_KEY("write_behind=", KEY_WRITE_BEHIND),
	FUSE_OPT_KEY("writeback_cache", KEY_WRITEBACK_CACHE),
	FUSE_OPT_KEY("direct_io", KEY_DIRECT_IO),
	FUSE_OPT_KEY("hard_remove", KEY_HARD_REMOVE),
	FUSE_OPT_KEY("trace", KEY_TRACE),
	FUSE_OPT_KEY("trace_file=", KEY_TRACE_FILE),
	FUSE_OPT_KEY("allow_other", KEY_ALLOW_OTHER),
	FUSE_OPT_END,
};

static const char usage[] =
	"usage: branchfs [-o OPTIONS] BRANCH[:BRANCH...] MOUNTPOINT\n"
	"\n"
	"Shows the directories BRANCH as one tree at MOUNTPOINT. A branch may be followed by\n"
	"=RW (the default), =RO (read-only) or =NC (no new files); \\: is a colon in its name.\n"
	"\n"
	"branchfs options:\n"
	"    -o policy=NAME         the branch of a new file\n";

static const char more_usage[] =
	"    -o write_behind=TIME   data reach the branch that long after the last release\n"
	"    -o writeback_cache     let the kernel gather writes\n"
	"    -o direct_io           let the kernel cache no contents at all\n"
	"    -o hard_remove         remove open files at once instead of hiding them\n"
	"    -o trace               print each operation as a JSON line on standard error;\n"
	"                           also with FUSE_TRACE=1 in the environment\n"
	"    -o trace_file=PATH     print them there\n"
	"\n"
	"faults, which may be given several times; OP is the name of an operation or *, TIME is\n"
	"such as 300ms, 2s, 50us or 1m, N counts from 1, GLOB is a path or a name:\n"
	"    -o delay=OP:TIME[:GLOB]        be slow\n"
	"    -o fail=OP:ERRNO[:N[:GLOB]]    fail; the Nth time only, or always (*)\n"
	"    -o hang=OP[:GLOB]              do not answer until interrupted or unmounted\n"
	"    -o crash=OP:N[:GLOB]           abort at the Nth time\n"
	"\n";

void options_print_help(void)
{
	const struct policy *policy;

	fputs(usage, stdout);
	for (size_t i = 0; (policy = policy_get(i)); i++)
		printf("        %-18s %s%s\n", policy->name, policy->description,
		       i == 0 ? " (default)" : "");
	fputs(more_usage, stdout);
}

static int refuse_policy(const char *name, struct fusetrace_error *reterr_error)
{
	const struct policy *policy;
	char known[128] = "";

	for (size_t i = 0; (policy = policy_get(i)); i++) {
		size_t length = strlen(known);

		snprintf(known + length, sizeof(known) - length, " %s", policy->name);
	}
	return explain(reterr_error, -EINVAL, "unknown policy '%s': use one of%s", name, known);
}

static int set_policy(struct options *options, const char *name,
		      struct fusetrace_error *reterr_error)
{
	const struct policy *policy = policy_find(name);

	if (!policy)
		return refuse_policy(name, reterr_error);
	options->policy = policy;
	return 0;
}

static int set_write_behind(struct options *options, const char *duration,
			    struct fusetrace_error *reterr_error)
{
	if (parse_duration(duration, &options->write_behind_ns) < 0)
		return explain(reterr_error, -EINVAL,
			       "malformed duration '%s': write 300ms, 2s, 50us or 1m", duration);
	return 0;
}

static int set_trace_file(struct options *options, const char *path,
			  struct fusetrace_error *reterr_error)
{
	if (path[0] == '\0')
		return explain(reterr_error, -EINVAL, "trace_file without a path: give one");
	free(options->trace_file);
	options->trace_file = strdup(path);
	options->is_traced = true;
	return options->trace_file ? 0 : -ENOMEM;
}

/* The first word is the branches, the second the mountpoint. */
static int take_word(struct options *options, const char *word,
		     struct fusetrace_error *reterr_error)
{
	if (!options->branches)
		return branches_parse(word, &options->branches, &options->branch_count,
				      reterr_error);
	if (options->mountpoint)
		return explain(reterr_error, -EINVAL,
			       "one argument too many, '%s': separate branches by colons", word);
	options->mountpoint = strdup(word);
	return options->mountpoint ? 0 : -ENOMEM;
}

struct parse {
	struct options *options;
	struct fusetrace_error *reterr_error;
	int result;
};

#define KEEP 1 /* the argument stays for libfuse */
#define TAKEN 0
#define WRONG (-1)

/* fuse_opt_parse() calls this for each option of the table and for each word. */
static int take_argument(void *data, const char *argument, int key, struct fuse_args *args)
{
	struct parse *parse = data;
	struct options *options = parse->options;
	const char *value = strchr(argument, '=');

	value = value ? value + 1 : argument;
	switch (key) {
	case KEY_POLICY:
		parse->result = set_policy(options, value, parse->reterr_error);
		break;
	case KEY_FAULT:
		parse->result = faults_add(&options->faults, argument, parse->reterr_error);
		break;
	case KEY_WRITE_BEHIND:
		parse->result = set_write_behind(options, value, parse->reterr_error);
		break;
	case KEY_WRITEBACK_CACHE:
		options->wants_writeback_cache = true;
		break;
	case KEY_DIRECT_IO:
		options->wants_direct_io = true;
		break;
	case KEY_HARD_REMOVE:
		options->wants_hard_remove = true;
		break;
	case KEY_TRACE:
		options->is_traced = true;
		break;
	case KEY_TRACE_FILE:
		parse->result = set_trace_file(options, value, parse->reterr_error);
		break;
	case KEY_ALLOW_OTHER:
		options->allows_others = true;
		return KEEP;
	case FUSE_OPT_KEY_NONOPT:
		parse->result = take_word(options, argument, parse->reterr_error);
		break;
	default:
		return KEEP;
	}
	return parse->result < 0 ? WRONG : TAKEN;
}

/* FUSE_TRACE. */
static int read_environment(struct options *options, struct fusetrace_error *reterr_error)
{
	static const struct {
		const char *word;
		bool is_on;
	} words[] = {
		{"1", true},  {"true", true},   {"yes", true}, {"on", true},   {"", false},
		{"0", false}, {"false", false}, {"no", false}, {"off", false},
	};
	const char *value = getenv("FUSE_TRACE");

	if (!value)
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(value, words[i].word) != 0)
			continue;
		options->is_traced = words[i].is_on;
		return 0;
	}
	return explain(reterr_error, -EINVAL, "FUSE_TRACE is '%s': set it to 1 or 0", value);
}

/*
 * What is changed in the branches directly, or under another name of the same file, is seen at
 * once, for the price of more requests. Options given by the user come later and win.
 */
static int add_defaults(struct fuse_args *args, const struct options *options)
{
	if (fuse_opt_insert_arg(args, 1, "-oattr_timeout=0,entry_timeout=0,negative_timeout=0") < 0)
		return -ENOMEM;
	if (fuse_opt_insert_arg(args, 1, "-ofsname=branchfs,subtype=branchfs") < 0)
		return -ENOMEM;
	/* Or everybody could do what the daemon may do. */
	if (options->allows_others && fuse_opt_add_arg(args, "-odefault_permissions") < 0)
		return -ENOMEM;
	return 0;
}

int options_parse(struct fuse_args *args, struct options *ret_options,
		  struct fusetrace_error *reterr_error)
{
	struct parse parse = {.options = ret_options, .reterr_error = reterr_error};
	int result;

	*ret_options = (struct options){.policy = policy_get(0)};
	result = read_environment(ret_options, reterr_error);
	if (result < 0)
		return result;
	if (fuse_opt_parse(args, &parse, templates, take_argument) < 0)
		return parse.result < 0 ? parse.result
					: explain(reterr_error, -EINVAL,
						  "malformed arguments: see 'branchfs --help'");
	return add_defaults(args, ret_options);
}

void options_done(struct options *options)
{
	branches_free(options->branches, options->branch_count);
	faults_done(&options->faults);
	free(options->mountpoint);
	free(options->trace_file);
	*options = (struct options){0};
}
