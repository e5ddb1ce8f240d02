/* SPDX-License-Identifier: MIT */
#include "nodes_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void nodes_add(struct ft_nodes *nodes, uint64_t parent, const char *name, uint64_t nodeid)
{
	ft_nodes_add(nodes, parent, ft_bytes_of(name), nodeid);
}

void nodes_remove(struct ft_nodes *nodes, uint64_t parent, const char *name)
{
	ft_nodes_remove(nodes, parent, ft_bytes_of(name));
}

void nodes_move(struct ft_nodes *nodes, uint64_t parent, const char *name, uint64_t new_parent,
		const char *new_name)
{
	ft_nodes_rename(nodes, parent, ft_bytes_of(name), new_parent, ft_bytes_of(new_name), false);
}

void nodes_exchange(struct ft_nodes *nodes, uint64_t parent, const char *name, uint64_t new_parent,
		    const char *new_name)
{
	ft_nodes_rename(nodes, parent, ft_bytes_of(name), new_parent, ft_bytes_of(new_name), true);
}

void nodes_assert_bytes(struct ft_bytes bytes, const char *expected)
{
	if (!expected) {
		assert_null(bytes.data);
		return;
	}
	assert_non_null(bytes.data);
	assert_int_equal(bytes.length, strlen(expected));
	assert_memory_equal(bytes.data, expected, bytes.length);
}

void nodes_assert_path(struct ft_nodes *nodes, uint64_t nodeid, const char *expected)
{
	bool is_unlinked;

	nodes_assert_bytes(ft_nodes_path(nodes, nodeid, 0, &is_unlinked), expected);
	assert_false(is_unlinked);
}

void nodes_assert_unlinked(struct ft_nodes *nodes, uint64_t nodeid, const char *expected)
{
	bool is_unlinked;

	nodes_assert_bytes(ft_nodes_path(nodes, nodeid, 0, &is_unlinked), expected);
	assert_true(is_unlinked);
}

void nodes_assert_child(struct ft_nodes *nodes, uint64_t parent, const char *name,
			const char *expected)
{
	nodes_assert_bytes(ft_nodes_child_path(nodes, parent, ft_bytes_of(name)), expected);
}
