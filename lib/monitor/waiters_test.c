/* SPDX-License-Identifier: MIT */
/* The register of waiters: a thousand of them, of which exactly those concerned are woken. */
#include "waiters.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/hash.h"
#include "op/event.h"
#include "testing.h"
#include "track/history.h"

#define WAITERS 1000
#define CREATE 35
#define WRITE 16
#define RENAME 12

struct fixture {
	struct ft_waiters waiters;
	struct ft_history *history;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct rlimit files = {4096, 4096};

	if (!fixture || setrlimit(RLIMIT_NOFILE, &files) < 0)
		return -1;
	fixture->history = ft_history_new(100);
	*state = fixture;
	return fixture->history ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture->waiters.opcodes, 0);
	assert_int_equal(fixture->waiters.waiter_count, 0);
	ft_waiters_done(&fixture->waiters);
	ft_history_unref(fixture->history);
	free(fixture);
	return 0;
}

static struct fusetrace_op *new_op(struct fixture *fixture, uint16_t opcode, const char *path,
				   const char *path2)
{
	struct fusetrace_op *op = ft_history_reserve(fixture->history);

	assert_non_null(op);
	op->opcode = opcode;
	op->status = FUSETRACE_STATUS_COMPLETED;
	op->path = ft_history_intern(fixture->history, ft_bytes_of(path));
	op->path2 = ft_history_intern(fixture->history, ft_bytes_of(path2));
	ft_history_publish(fixture->history, op);
	return op;
}

static bool was_woken(const struct ft_waiter *waiter)
{
	eventfd_t count;

	return eventfd_read(waiter->event_fd, &count) == 0;
}

/* A waiter with one match. */
struct single {
	struct ft_waiter waiter;
	struct ft_match match;
};

static void add(struct fixture *fixture, struct single *single, const struct fusetrace_match *match)
{
	assert_int_equal(ft_match_init(&single->match, match, NULL, NULL), 0);
	single->waiter = (struct ft_waiter){.event_fd = -1, .matches = &single->match, .count = 1};
	assert_int_equal(ft_waiters_add(&fixture->waiters, &single->waiter), 0);
}

static void take_away(struct fixture *fixture, struct single *single)
{
	ft_waiters_remove(&fixture->waiters, &single->waiter);
	ft_waiters_remove(&fixture->waiters, &single->waiter);
	ft_match_done(&single->match);
}

static void test_a_thousand(void **state)
{
	struct fixture *fixture = *state;
	struct single *singles = calloc(WAITERS, sizeof(*singles));
	char path[32];

	assert_non_null(singles);
	for (int i = 0; i < WAITERS; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		add(fixture, &singles[i],
		    FUSETRACE_MATCH(.op = i % 2 ? "create" : "write", .path = path));
	}
	for (int i = 0; i < WAITERS; i += 37) {
		snprintf(path, sizeof(path), "/%d", i);
		ft_waiters_notify(&fixture->waiters, new_op(fixture, CREATE, path, NULL));
		for (int j = 0; j < WAITERS; j++)
			assert_int_equal(was_woken(&singles[j].waiter), j == i && i % 2);
	}
	/* Taken away in another order than they came; the others stay. */
	for (int i = 0; i < WAITERS; i += 2)
		take_away(fixture, &singles[i]);
	ft_waiters_notify(&fixture->waiters, new_op(fixture, CREATE, "/501", NULL));
	assert_true(was_woken(&singles[501].waiter));
	assert_false(fixture->waiters.opcodes & UINT64_C(1) << WRITE);
	for (int i = 1; i < WAITERS; i += 2)
		take_away(fixture, &singles[i]);
	free(singles);
}

static void test_who_is_concerned(void **state)
{
	static const struct {
		struct fusetrace_match match;
		bool is_woken_by_create, is_woken_by_rename;
	} rows[] = {
		{{.op = "create", .path = "/d/a"}, true, false},
		{{.op = "create"}, true, false},
		{{.path = "/d/a"}, true, true},
		{{.path = "/d/b"}, false, true},
		{{.path = "*.txt"}, false, false},
		{{.path = "/d/*"}, true, true},
		{{.path = "b$", .path_kind = FUSETRACE_PATH_REGEX}, false, true},
		{{.op = "rename,unlink"}, false, true},
		{{.op = "create", .flags = FUSETRACE_MATCH_NOT}, true, true},
		{{.path = "/d/a", .flags = FUSETRACE_MATCH_NOT}, true, true},
		/* What spoils a wait wakes it too. */
		{{.op = "create", .status = FUSETRACE_MATCH_FAILED}, true, false},
		{{.op = "create", .pid = 5}, false, false},
	};
	enum { count = sizeof(rows) / sizeof(rows[0]) };
	struct fixture *fixture = *state;
	struct single singles[count];

	for (size_t i = 0; i < count; i++) {
		struct fusetrace_match match = rows[i].match;

		match.sz = sizeof(match);
		add(fixture, &singles[i], &match);
	}
	ft_waiters_notify(&fixture->waiters, new_op(fixture, CREATE, "/d/a", NULL));
	for (size_t i = 0; i < count; i++)
		assert_int_equal(was_woken(&singles[i].waiter), rows[i].is_woken_by_create);
	ft_waiters_notify(&fixture->waiters, new_op(fixture, RENAME, "/d/a", "/d/b"));
	for (size_t i = 0; i < count; i++)
		assert_int_equal(was_woken(&singles[i].waiter), rows[i].is_woken_by_rename);
	ft_waiters_notify_all(&fixture->waiters);
	for (size_t i = 0; i < count; i++) {
		assert_true(was_woken(&singles[i].waiter));
		take_away(fixture, &singles[i]);
	}
}

static void test_any_and_several(void **state)
{
	struct fixture *fixture = *state;
	struct ft_waiter any = {.event_fd = -1, .wants_any = true};
	struct ft_waiter states_only = {.event_fd = -1};
	struct ft_match matches[2];
	struct ft_waiter two = {.event_fd = -1, .matches = matches, .count = 2};

	assert_int_equal(ft_match_init(&matches[0], FUSETRACE_MATCH(.path = "/a"), NULL, NULL), 0);
	assert_int_equal(ft_match_init(&matches[1], FUSETRACE_MATCH(.path = "/a"), NULL, NULL), 0);
	assert_int_equal(ft_waiters_add(&fixture->waiters, &any), 0);
	assert_int_equal(ft_waiters_add(&fixture->waiters, &states_only), 0);
	assert_int_equal(ft_waiters_add(&fixture->waiters, &two), 0);
	ft_waiters_notify(&fixture->waiters, new_op(fixture, 4000, NULL, NULL));
	assert_true(was_woken(&any));
	assert_false(was_woken(&states_only));
	assert_false(was_woken(&two));
	ft_waiters_notify(&fixture->waiters, new_op(fixture, CREATE, "/a", "/a"));
	assert_true(was_woken(&two));
	ft_waiters_remove(&fixture->waiters, &two);
	ft_waiters_remove(&fixture->waiters, &any);
	ft_waiters_remove(&fixture->waiters, &states_only);
	ft_match_done(&matches[0]);
	ft_match_done(&matches[1]);
}

/* Being woken a second time before one has looked is one wake-up, and never blocks the engine. */
static void test_woken_often(void **state)
{
	struct fixture *fixture = *state;
	struct single single;

	add(fixture, &single, FUSETRACE_MATCH(.op = "write"));
	for (int i = 0; i < 1000; i++)
		ft_waiters_notify(&fixture->waiters, new_op(fixture, WRITE, "/a", NULL));
	assert_true(was_woken(&single.waiter));
	assert_false(was_woken(&single.waiter));
	take_away(fixture, &single);
}

static void test_no_descriptors_left(void **state)
{
	struct fixture *fixture = *state;
	struct ft_waiter waiter = {.event_fd = -1};
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){0, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(ft_waiters_add(&fixture->waiters, &waiter), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(waiter.event_fd, -1);
	assert_int_equal(fixture->waiters.waiter_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_thousand, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_is_concerned, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_any_and_several, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_woken_often, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_descriptors_left, set_up, tear_down),
	};

	ft_test_deadline(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
