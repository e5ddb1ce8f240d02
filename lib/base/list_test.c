/* SPDX-License-Identifier: MIT */
/* Lists: order, removing while walking, removing what is in no list. */
#include "list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define ITEMS 5

struct item {
	int number;
	struct ft_list of_list;
};

static void fill(struct ft_list *head, struct item *items)
{
	ft_list_init(head);
	for (int i = 0; i < ITEMS; i++) {
		items[i].number = i;
		ft_list_append(head, &items[i].of_list);
	}
}

static void test_order_both_ways(void **state)
{
	struct item items[ITEMS];
	struct ft_list head;
	int expected = 0;

	fill(&head, items);
	ft_list_foreach (at, &head)
		assert_int_equal(FT_CONTAINER(at, struct item, of_list)->number, expected++);
	assert_int_equal(expected, ITEMS);
	for (struct ft_list *at = head.previous; at != &head; at = at->previous)
		assert_int_equal(FT_CONTAINER(at, struct item, of_list)->number, --expected);
	assert_int_equal(expected, 0);
}

static void test_remove_while_walking(void **state)
{
	struct item items[ITEMS];
	struct ft_list head;
	int left = 0;

	fill(&head, items);
	ft_list_foreach_safe (at, &head) {
		if (FT_CONTAINER(at, struct item, of_list)->number % 2 == 0)
			ft_list_remove(at);
	}
	ft_list_foreach (at, &head) {
		assert_int_equal(FT_CONTAINER(at, struct item, of_list)->number % 2, 1);
		left++;
	}
	assert_int_equal(left, ITEMS / 2);
	ft_list_foreach_safe (at, &head)
		ft_list_remove(at);
	assert_true(ft_list_is_empty(&head));
}

static void test_remove_twice_is_harmless(void **state)
{
	struct item items[ITEMS];
	struct ft_list head;

	fill(&head, items);
	ft_list_remove(&items[2].of_list);
	ft_list_remove(&items[2].of_list);
	assert_true(ft_list_is_empty(&items[2].of_list));
	assert_ptr_equal(items[1].of_list.next, &items[3].of_list);
	assert_ptr_equal(items[3].of_list.previous, &items[1].of_list);
}

/* Appending to a node of a list puts the new one in front of it. */
static void test_insert_before(void **state)
{
	struct item items[ITEMS], extra = {.number = 100};
	struct ft_list head;

	fill(&head, items);
	ft_list_append(head.next, &extra.of_list);
	assert_ptr_equal(head.next, &extra.of_list);
	assert_ptr_equal(extra.of_list.next, &items[0].of_list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_both_ways),
		cmocka_unit_test(test_remove_while_walking),
		cmocka_unit_test(test_remove_twice_is_harmless),
		cmocka_unit_test(test_insert_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
