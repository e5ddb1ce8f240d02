/* SPDX-License-Identifier: MIT */
/*
 * The node table: cases that have a story, then random ones against a model. The model is a plain
 * tree that knows everything; the table is told what a trace would tell it, and must never name a
 * path that is wrong. The fake kernel answers the resolver from the same tree.
 */
#include "nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "testing.h"

static void add(struct ft_nodes *nodes, uint64_t parent, const char *name, uint64_t nodeid)
{
	ft_nodes_add(nodes, parent, ft_bytes_of(name), nodeid);
}

static void take_away(struct ft_nodes *nodes, uint64_t parent, const char *name)
{
	ft_nodes_remove(nodes, parent, ft_bytes_of(name));
}

static void move(struct ft_nodes *nodes, uint64_t parent, const char *name, uint64_t new_parent,
		 const char *new_name)
{
	ft_nodes_rename(nodes, parent, ft_bytes_of(name), new_parent, ft_bytes_of(new_name), false);
}

static void exchange(struct ft_nodes *nodes, uint64_t parent, const char *name, uint64_t new_parent,
		     const char *new_name)
{
	ft_nodes_rename(nodes, parent, ft_bytes_of(name), new_parent, ft_bytes_of(new_name), true);
}

static void assert_bytes(struct ft_bytes bytes, const char *expected)
{
	if (!expected) {
		assert_null(bytes.data);
		return;
	}
	assert_non_null(bytes.data);
	assert_int_equal(bytes.length, strlen(expected));
	assert_memory_equal(bytes.data, expected, bytes.length);
}

static void assert_path(struct ft_nodes *nodes, uint64_t nodeid, const char *expected)
{
	bool is_unlinked;

	assert_bytes(ft_nodes_path(nodes, nodeid, 0, &is_unlinked), expected);
	assert_false(is_unlinked);
}

static void assert_unlinked(struct ft_nodes *nodes, uint64_t nodeid, const char *expected)
{
	bool is_unlinked;

	assert_bytes(ft_nodes_path(nodes, nodeid, 0, &is_unlinked), expected);
	assert_true(is_unlinked);
}

static void assert_child(struct ft_nodes *nodes, uint64_t parent, const char *name,
			 const char *expected)
{
	assert_bytes(ft_nodes_child_path(nodes, parent, ft_bytes_of(name)), expected);
}

/* /d (2), /d/e (3), /d/e/f (4), /g (5) */
static struct ft_nodes *small_tree(void)
{
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);

	assert_non_null(nodes);
	add(nodes, 1, "d", 2);
	add(nodes, 2, "e", 3);
	add(nodes, 3, "f", 4);
	add(nodes, 1, "g", 5);
	assert_path(nodes, 4, "/d/e/f");
	assert_path(nodes, 5, "/g");
	return nodes;
}

/* ---- single rules ---- */

static void test_root_and_unknown(void **state)
{
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);

	assert_path(nodes, 1, "/");
	assert_child(nodes, 1, "a", "/a");
	assert_path(nodes, 2, NULL);
	assert_child(nodes, 2, "a", NULL);
	assert_child(nodes, 2, ".", NULL);
	assert_child(nodes, 2, "..", NULL);
	add(nodes, 2, "a", 3);
	assert_path(nodes, 3, NULL); /* its directory is not known */
	add(nodes, 1, "dir", 2);
	assert_path(nodes, 3, "/dir/a");
	take_away(nodes, 77, "nothing");
	move(nodes, 77, "nothing", 78, "nowhere");
	ft_nodes_set_unlinked(nodes, 77);
	assert_int_equal(ft_nodes_count(nodes), 3);
	assert_null(ft_nodes_free(nodes));
	assert_null(ft_nodes_free(NULL));
}

static void test_dots(void **state)
{
	struct ft_nodes *nodes = small_tree();

	assert_child(nodes, 3, ".", "/d/e");
	assert_child(nodes, 3, "..", "/d");
	assert_child(nodes, 2, "..", "/");
	assert_child(nodes, 1, ".", "/");
	assert_child(nodes, 1, "..", "/");
	assert_child(nodes, 3, "...", "/d/e/...");
	assert_child(nodes, 3, ".x", "/d/e/.x");
	assert_child(nodes, 3, "", "/d/e");
	/* They are no names to learn. */
	add(nodes, 3, ".", 3);
	add(nodes, 3, "..", 2);
	add(nodes, 1, "", 9);
	add(nodes, 1, "self", 1);
	add(nodes, 1, "zero", 0);
	assert_path(nodes, 3, "/d/e");
	assert_path(nodes, 2, "/d");
	assert_path(nodes, 1, "/");
	assert_path(nodes, 9, NULL);
	ft_nodes_free(nodes);
}

static void test_rename_of_directory_in_use(void **state)
{
	struct ft_nodes *nodes = small_tree();

	move(nodes, 1, "d", 1, "moved");
	assert_path(nodes, 4, "/moved/e/f");
	assert_path(nodes, 3, "/moved/e");
	assert_path(nodes, 5, "/g");
	add(nodes, 1, "new", 6);
	move(nodes, 2, "e", 6, "e2");
	assert_path(nodes, 4, "/new/e2/f");
	assert_child(nodes, 3, "x", "/new/e2/x");
	move(nodes, 6, "e2", 6, "e2");
	assert_path(nodes, 4, "/new/e2/f");
	ft_nodes_free(nodes);
}

/* What is below a directory may be known before the directory itself is. */
static void test_rename_of_directory_learnt_late(void **state)
{
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);

	add(nodes, 2, "a", 3);
	add(nodes, 1, "d", 2);
	assert_path(nodes, 3, "/d/a");
	move(nodes, 1, "d", 1, "e");
	assert_path(nodes, 3, "/e/a");
	ft_nodes_free(nodes);
}

static void test_rename_over(void **state)
{
	struct ft_nodes *nodes = small_tree();

	move(nodes, 3, "f", 1, "g");
	assert_path(nodes, 4, "/g");
	assert_unlinked(nodes, 5, "/g");
	take_away(nodes, 1, "g");
	assert_unlinked(nodes, 4, "/g");
	ft_nodes_free(nodes);
}

/* What is at the target of a rename whose source is not known is not there any more. */
static void test_rename_of_unknown_over_known(void **state)
{
	struct ft_nodes *nodes = small_tree();

	move(nodes, 1, "never seen", 1, "g");
	assert_path(nodes, 5, NULL);
	move(nodes, 1, "never seen", 1, "d");
	assert_path(nodes, 2, NULL);
	assert_path(nodes, 4, NULL);
	ft_nodes_free(nodes);
}

static void test_exchange(void **state)
{
	struct ft_nodes *nodes = small_tree();

	exchange(nodes, 1, "d", 1, "g");
	assert_path(nodes, 2, "/g");
	assert_path(nodes, 5, "/d");
	assert_path(nodes, 4, "/g/e/f");
	/* a directory with a file that lies below another one */
	exchange(nodes, 2, "e", 1, "d");
	assert_path(nodes, 3, "/d");
	assert_path(nodes, 4, "/d/f");
	assert_path(nodes, 5, "/g/e");
	/* only one of the two is known */
	exchange(nodes, 1, "d", 1, "unseen");
	assert_path(nodes, 4, "/unseen/f");
	exchange(nodes, 1, "unseen 2", 1, "unseen");
	assert_path(nodes, 4, "/unseen 2/f");
	ft_nodes_free(nodes);
}

static void test_hard_links(void **state)
{
	struct ft_nodes *nodes = small_tree();
	uint64_t by_g, by_h;
	bool is_unlinked;

	by_g = ft_nodes_link(nodes, 5);
	add(nodes, 2, "h", 5);
	by_h = ft_nodes_link(nodes, 5);
	assert_int_not_equal(by_g, by_h);
	assert_path(nodes, 5, "/d/h"); /* the one last seen */
	assert_bytes(ft_nodes_path(nodes, 5, by_g, &is_unlinked), "/g");
	assert_bytes(ft_nodes_path(nodes, 5, by_h, &is_unlinked), "/d/h");
	add(nodes, 1, "g", 5); /* looked up again */
	assert_path(nodes, 5, "/g");
	/* a link stays the same when it is renamed, itself or something above it */
	move(nodes, 2, "h", 3, "h2");
	move(nodes, 1, "d", 1, "D");
	assert_bytes(ft_nodes_path(nodes, 5, by_h, &is_unlinked), "/D/e/h2");
	assert_bytes(ft_nodes_path(nodes, 5, by_g, &is_unlinked), "/g");
	take_away(nodes, 1, "g");
	assert_path(nodes, 5, "/D/e/h2");
	assert_bytes(ft_nodes_path(nodes, 5, by_g, &is_unlinked), "/D/e/h2");
	take_away(nodes, 3, "h2");
	assert_unlinked(nodes, 5, "/D/e/h2");
	ft_nodes_free(nodes);
}

static void test_very_many_hard_links(void **state)
{
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);
	size_t before, after;
	char name[32], path[40];

	add(nodes, 1, "first", 2);
	before = ft_test_allocated();
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(path, sizeof(path), "/n%d", i);
		add(nodes, 1, name, 2);
		assert_path(nodes, 2, path);
	}
	after = ft_test_allocated();
	assert_true(after < before + 64 * 1024);
	for (int i = 9999; i >= 0; i--) {
		snprintf(name, sizeof(name), "n%d", i);
		take_away(nodes, 1, name);
	}
	ft_nodes_free(nodes);
}

static void test_unlink_of_open_file(void **state)
{
	struct ft_nodes *nodes = small_tree();

	take_away(nodes, 3, "f");
	assert_unlinked(nodes, 4, "/d/e/f");
	/* It keeps the name that it had, whatever happens to its directory. */
	move(nodes, 1, "d", 1, "D");
	assert_unlinked(nodes, 4, "/d/e/f");
	/* A new file of that name is another one. */
	add(nodes, 3, "f", 6);
	assert_path(nodes, 6, "/D/e/f");
	assert_unlinked(nodes, 4, "/d/e/f");
	/* A link to it (linkat of an open file) gives it a name again. */
	add(nodes, 1, "back", 4);
	assert_path(nodes, 4, "/back");
	ft_nodes_free(nodes);
}

static void test_rmdir_with_open_children(void **state)
{
	struct ft_nodes *nodes = small_tree();

	take_away(nodes, 3, "f");
	take_away(nodes, 2, "e");
	assert_unlinked(nodes, 3, "/d/e");
	assert_unlinked(nodes, 4, "/d/e/f");
	ft_nodes_set_unlinked(nodes, 5);
	assert_unlinked(nodes, 5, "/g");
	ft_nodes_set_unlinked(nodes, 5);
	assert_unlinked(nodes, 5, "/g");
	ft_nodes_free(nodes);
}

/* After a FORGET that nobody sees, a daemon gives the number to another file. */
static void test_reused_nodeid(void **state)
{
	struct ft_nodes *nodes = small_tree();

	take_away(nodes, 1, "g");
	add(nodes, 1, "other", 5);
	assert_path(nodes, 5, "/other");
	/* a directory's number for another directory: what was below the old one is not below it */
	add(nodes, 1, "elsewhere", 3);
	assert_path(nodes, 3, "/elsewhere");
	/* the same name now means another node */
	add(nodes, 1, "other", 8);
	assert_path(nodes, 8, "/other");
	assert_unlinked(nodes, 5, "/other");
	ft_nodes_free(nodes);
}

/* A directory that was moved where we cannot see it takes what is below along. */
static void test_directory_that_moved_unseen(void **state)
{
	struct ft_nodes *nodes = small_tree();

	add(nodes, 1, "new place", 3);
	assert_path(nodes, 4, "/new place/f");
	add(nodes, 2, "e", 3);
	assert_path(nodes, 4, "/d/e/f");
	take_away(nodes, 2, "e");
	assert_path(nodes, 4, "/new place/f");
	ft_nodes_free(nodes);
}

/* ---- size ---- */

static void test_depth(void **state)
{
	enum { depth = 2000 };
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);
	char *expected = malloc(depth * 2 + 16);

	assert_non_null(expected);
	for (uint64_t i = 0; i < depth; i++) {
		add(nodes, i ? 100 + i - 1 : 1, "d", 100 + i);
		memcpy(expected + 2 * i, "/d", 3);
	}
	assert_path(nodes, 100 + depth - 1, expected);
	move(nodes, 1, "d", 1, "e");
	expected[1] = 'e';
	assert_path(nodes, 100 + depth - 1, expected);
	strcat(expected, "/leaf");
	assert_child(nodes, 100 + depth - 1, "leaf", expected);
	free(expected);
	ft_nodes_free(nodes);
}

/* Longer than PATH_MAX and than a page: one walks there with openat(2). */
static void test_long_names(void **state)
{
	enum { levels = 200 };
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);
	char name[256], *expected = calloc(levels + 1, 256);

	assert_non_null(expected);
	memset(name, 'n', 255);
	name[255] = '\0';
	for (uint64_t i = 0; i < levels; i++) {
		add(nodes, 1 + i, name, 2 + i);
		strcat(strcat(expected, "/"), name);
		if (i == 15 || i == levels - 1)
			assert_path(nodes, 2 + i, expected);
	}
	assert_int_equal(strlen(expected), levels * 256);
	free(expected);
	ft_nodes_free(nodes);
}

/* Beyond its own limits the table says that it does not know; links in a ring end too. */
static void test_beyond_all_limits(void **state)
{
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	for (uint64_t i = 1; i < 300; i++)
		add(nodes, i, name, i + 1);
	assert_path(nodes, 300, NULL);
	assert_child(nodes, 300, name, NULL);
	for (uint64_t i = 1000; i < 6000; i++)
		add(nodes, i == 1000 ? 1 : i - 1, "d", i);
	assert_path(nodes, 5999, NULL);
	add(nodes, 9001, "a", 9000);
	add(nodes, 9000, "b", 9001);
	assert_path(nodes, 9000, NULL);
	assert_child(nodes, 9001, "c", NULL);
	move(nodes, 9000, "b", 9000, "c");
	take_away(nodes, 9000, "c");
	assert_path(nodes, 9000, NULL);
	ft_nodes_free(nodes);
}

static void test_limit(void **state)
{
	struct ft_nodes *nodes = ft_nodes_new(1000, NULL, NULL);
	size_t after_warm_up = 0;
	char name[32], path[40];

	add(nodes, 1, "kept", 2);
	for (uint64_t i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "f%llu", (unsigned long long)i);
		snprintf(path, sizeof(path), "/%s", name);
		add(nodes, 1, name, 10 + i);
		assert_path(nodes, 10 + i, path);
		assert_path(nodes, 2, "/kept"); /* what is used stays */
		assert_in_range(ft_nodes_count(nodes), 1, 1000);
		if (i == 5000)
			after_warm_up = ft_test_allocated();
	}
	assert_in_range(ft_test_allocated(), 1, after_warm_up + 64 * 1024);
	assert_path(nodes, 10, NULL);
	assert_path(nodes, 1, "/");
	ft_nodes_free(nodes);
}

/* The directory is dropped, its file is not; then the directory gets another name. */
static void test_dropped_directory_is_renamed(void **state)
{
	struct ft_nodes *nodes = ft_nodes_new(3, NULL, NULL);

	add(nodes, 1, "d", 2);
	add(nodes, 2, "a", 3);
	assert_path(nodes, 3, "/d/a");
	add(nodes, 1, "x", 4); /* drops 2 */
	assert_path(nodes, 2, NULL);
	assert_path(nodes, 3, "/d/a");
	move(nodes, 1, "d", 1, "e");
	assert_path(nodes, 3, NULL);
	add(nodes, 1, "e", 2); /* drops 4 */
	assert_path(nodes, 3, "/e/a");
	move(nodes, 1, "e", 1, "f");
	assert_path(nodes, 3, "/f/a");
	ft_nodes_free(nodes);
}

/* ---- the model ---- */

#define MODEL_NODES 64
#define MODEL_LINKS 4
#define MODEL_PATH 1024

struct model_link {
	uint64_t parent; /* 0: no link */
	char name[8];
};

struct model_node {
	bool is_used;
	bool is_directory;
	struct model_link links[MODEL_LINKS];
	char last_path[MODEL_PATH]; /* of one without a link */
};

struct model {
	struct model_node nodes[MODEL_NODES + 2]; /* by nodeid; 1 is the root */
	uint64_t seed;
	size_t questions;
};

static bool model_path(const struct model *model, uint64_t nodeid, size_t link, char *path);

/* Path of the directory, then the name. */
static bool model_child(const struct model *model, uint64_t parent, const char *name, char *path)
{
	if (!model_path(model, parent, 0, path))
		return false;
	if (strcmp(path, "/") != 0)
		strcat(path, "/");
	strcat(path, name);
	return true;
}

static bool model_path(const struct model *model, uint64_t nodeid, size_t link, char *path)
{
	const struct model_link *entry = &model->nodes[nodeid].links[link];

	strcpy(path, "/");
	if (nodeid == FT_NODE_ROOT)
		return true;
	return entry->parent && model_child(model, entry->parent, entry->name, path);
}

/* Moves the links to the front, so that a node without link 0 has none. */
static void model_tidy(struct model_node *node)
{
	size_t kept = 0;

	for (size_t i = 0; i < MODEL_LINKS; i++) {
		if (node->links[i].parent)
			node->links[kept++] = node->links[i];
	}
	while (kept < MODEL_LINKS)
		node->links[kept++].parent = 0;
}

static uint64_t model_find(const struct model *model, uint64_t parent, const char *name,
			   size_t *ret_link)
{
	for (uint64_t id = 2; id < MODEL_NODES + 2; id++) {
		for (size_t i = 0; i < MODEL_LINKS; i++) {
			const struct model_link *link = &model->nodes[id].links[i];

			*ret_link = i;
			if (model->nodes[id].is_used && link->parent == parent &&
			    strcmp(link->name, name) == 0)
				return id;
		}
	}
	return 0;
}

static bool model_has_children(const struct model *model, uint64_t nodeid)
{
	for (uint64_t id = 2; id < MODEL_NODES + 2; id++) {
		for (size_t i = 0; i < MODEL_LINKS; i++) {
			if (model->nodes[id].is_used && model->nodes[id].links[i].parent == nodeid)
				return true;
		}
	}
	return false;
}

static bool model_is_below(const struct model *model, uint64_t nodeid, uint64_t above)
{
	while (nodeid != FT_NODE_ROOT && nodeid != above)
		nodeid = model->nodes[nodeid].links[0].parent;
	return nodeid == above;
}

/* Any directory that has a path. */
static uint64_t model_directory(struct model *model)
{
	for (;;) {
		uint64_t id = 1 + ft_test_below(&model->seed, MODEL_NODES + 1);

		if (id == FT_NODE_ROOT ||
		    (model->nodes[id].is_used && model->nodes[id].is_directory &&
		     model->nodes[id].links[0].parent))
			return id;
	}
}

static void model_drop_link(struct model *model, uint64_t nodeid, size_t link)
{
	struct model_node *node = &model->nodes[nodeid];

	model_path(model, nodeid, link, node->last_path);
	node->links[link].parent = 0;
	model_tidy(node);
}

static void model_name(struct model *model, char *name)
{
	snprintf(name, 8, "%c", 'a' + (int)ft_test_below(&model->seed, 12));
}

/* ---- one random step, in the model and in the table ---- */

static void step_create(struct model *model, struct ft_nodes *nodes)
{
	uint64_t parent = model_directory(model), id = 2 + ft_test_below(&model->seed, MODEL_NODES);
	struct model_node *node = &model->nodes[id];
	size_t link;
	char name[8];

	model_name(model, name);
	/* A number without a name may be given out again: nobody sees the FORGET. */
	if ((node->is_used && (node->links[0].parent || model_has_children(model, id))) ||
	    model_find(model, parent, name, &link))
		return;
	memset(node, 0, sizeof(*node));
	node->is_used = true;
	node->is_directory = ft_test_below(&model->seed, 3) == 0;
	node->links[0].parent = parent;
	strcpy(node->links[0].name, name);
	add(nodes, parent, name, id);
}

static void step_lookup(struct model *model, struct ft_nodes *nodes)
{
	uint64_t parent = model_directory(model), id;
	size_t link;
	char name[8];

	model_name(model, name);
	id = model_find(model, parent, name, &link);
	if (id)
		add(nodes, parent, name, id);
	else
		take_away(nodes, parent, name);
}

static void step_link(struct model *model, struct ft_nodes *nodes)
{
	uint64_t parent = model_directory(model), id = 2 + ft_test_below(&model->seed, MODEL_NODES);
	struct model_node *node = &model->nodes[id];
	size_t link;
	char name[8];

	model_name(model, name);
	if (!node->is_used || node->is_directory || !node->links[0].parent ||
	    node->links[MODEL_LINKS - 1].parent || model_find(model, parent, name, &link))
		return;
	for (link = 0; node->links[link].parent; link++)
		;
	node->links[link].parent = parent;
	strcpy(node->links[link].name, name);
	add(nodes, parent, name, id);
}

static void step_unlink(struct model *model, struct ft_nodes *nodes)
{
	uint64_t parent = model_directory(model), id;
	size_t link;
	char name[8];

	model_name(model, name);
	id = model_find(model, parent, name, &link);
	if (!id || model_has_children(model, id))
		return;
	model_drop_link(model, id, link);
	take_away(nodes, parent, name);
}

static void model_move(struct model *model, uint64_t id, size_t link, uint64_t parent,
		       const char *name)
{
	model->nodes[id].links[link].parent = parent;
	strcpy(model->nodes[id].links[link].name, name);
}

static void step_rename(struct model *model, struct ft_nodes *nodes)
{
	uint64_t parent = model_directory(model), new_parent = model_directory(model), from, to;
	bool is_exchange = ft_test_below(&model->seed, 3) == 0;
	size_t from_link, to_link;
	char name[8], new_name[8];

	model_name(model, name);
	model_name(model, new_name);
	from = model_find(model, parent, name, &from_link);
	to = model_find(model, new_parent, new_name, &to_link);
	if (!from || from == to || model_is_below(model, new_parent, from) || (is_exchange && !to))
		return;
	if (to && (is_exchange ? model_is_below(model, parent, to) : model_has_children(model, to)))
		return;
	if (to && !is_exchange)
		model_drop_link(model, to, to_link);
	if (is_exchange)
		model_move(model, to, to_link, parent, name);
	model_move(model, from, from_link, new_parent, new_name);
	ft_nodes_rename(nodes, parent, ft_bytes_of(name), new_parent, ft_bytes_of(new_name),
			is_exchange);
}

/* How much the table can know. */
struct knowledge {
	bool is_complete; /* it saw all and forgot nothing; so it knows which link is the last */
};

static bool is_one_of(const struct model *model, uint64_t id, struct ft_bytes path)
{
	char expected[MODEL_PATH];

	for (size_t i = 0; i < MODEL_LINKS; i++) {
		if (model_path(model, id, i, expected) &&
		    ft_bytes_equal(path, ft_bytes_of(expected)))
			return true;
	}
	return false;
}

static void step_ask(struct model *model, struct ft_nodes *nodes, const struct knowledge *knowledge)
{
	uint64_t id = 2 + ft_test_below(&model->seed, MODEL_NODES);
	const struct model_node *node = &model->nodes[id];
	bool is_unlinked;
	struct ft_bytes path;

	if (!node->is_used)
		return;
	path = ft_nodes_path(nodes, id, 0, &is_unlinked);
	model->questions++;
	if (!path.data) {
		assert_false(knowledge->is_complete);
		return;
	}
	if (knowledge->is_complete)
		assert_int_equal(is_unlinked, !node->links[0].parent);
	if (!is_unlinked)
		assert_true(is_one_of(model, id, path));
	else if (knowledge->is_complete)
		assert_bytes(path, node->last_path);
}

static void run_step(struct model *model, struct ft_nodes *nodes, const struct knowledge *knowledge)
{
	static void (*const steps[])(struct model * model, struct ft_nodes * nodes) = {
		step_create, step_create, step_create, step_lookup,
		step_lookup, step_link,   step_unlink, step_rename,
	};

	steps[ft_test_below(&model->seed, sizeof(steps) / sizeof(steps[0]))](model, nodes);
	for (int i = 0; i < 4; i++)
		step_ask(model, nodes, knowledge);
}

static void test_random_with_all_known(void **state)
{
	const struct knowledge all = {.is_complete = true};
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);
	struct model *model = calloc(1, sizeof(*model));
	size_t cases = ft_test_cases(100000);

	assert_non_null(model);
	model->seed = ft_test_seed();
	for (size_t i = cases; i > 0; i--)
		run_step(model, nodes, &all);
	assert_true(model->questions > cases / 2);
	free(model);
	ft_nodes_free(nodes);
}

/* The tree was there before, and nodes are dropped: the table may not know, but it must not lie. */
static void test_random_with_little_known(void **state)
{
	const struct knowledge little = {.is_complete = false};
	struct ft_nodes *all = ft_nodes_new(0, NULL, NULL);
	struct ft_nodes *nodes = ft_nodes_new(12, NULL, NULL);
	struct model *model = calloc(1, sizeof(*model));

	assert_non_null(model);
	model->seed = ft_test_seed();
	for (int i = 0; i < 1000; i++)
		run_step(model, all, &little);
	for (size_t i = ft_test_cases(100000); i > 0; i--)
		run_step(model, nodes, &little);
	free(model);
	ft_nodes_free(all);
	ft_nodes_free(nodes);
}

/* ---- the fake kernel ---- */

static const char letters[] = "abcdefghijkl"; /* names, as the model has them */

struct kernel {
	struct model *model;
	size_t asked;
	size_t found;
	bool is_broken; /* finds nothing */
	bool is_evil;   /* tells of nodes that have nothing to do with the question */
};

static bool resolve(struct ft_nodes *nodes, uint64_t nodeid, void *data)
{
	struct kernel *kernel = data;
	struct model *model = kernel->model;

	kernel->asked++;
	for (int i = 0; kernel->is_evil && i < 8; i++) {
		struct ft_bytes name = {&letters[ft_test_below(&model->seed, 12)], 1};

		ft_nodes_add(nodes, 1 + ft_test_below(&model->seed, 20), name,
			     1 + ft_test_below(&model->seed, 20));
	}
	if (kernel->is_broken || nodeid < 2 || nodeid > MODEL_NODES + 1 ||
	    !model->nodes[nodeid].links[0].parent)
		return false;
	while (nodeid != FT_NODE_ROOT) {
		const struct model_link *link = &model->nodes[nodeid].links[0];

		ft_nodes_add(nodes, link->parent, ft_bytes_of(link->name), nodeid);
		nodeid = link->parent;
	}
	kernel->found++;
	return true;
}

static void test_random_with_resolver(void **state)
{
	const struct knowledge little = {.is_complete = false};
	struct model *model = calloc(1, sizeof(*model));
	struct kernel kernel = {.model = model};
	struct ft_nodes *nodes = ft_nodes_new(16, resolve, &kernel);

	assert_non_null(model);
	model->seed = ft_test_seed();
	for (size_t i = ft_test_cases(50000); i > 0; i--)
		run_step(model, nodes, &little);
	assert_true(kernel.found > 100);
	free(model);
	ft_nodes_free(nodes);
}

/* Whatever the resolver does to the table while it is asked, memory stays sound. */
static void test_random_with_evil_resolver(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	struct kernel kernel = {.model = model, .is_evil = true};
	struct ft_nodes *nodes = ft_nodes_new(16, resolve, &kernel);
	bool ignored;

	assert_non_null(model);
	model->seed = ft_test_seed();
	for (size_t i = ft_test_cases(50000); i > 0; i--) {
		uint64_t a = 1 + ft_test_below(&model->seed, 24);
		uint64_t b = 1 + ft_test_below(&model->seed, 24);
		struct ft_bytes name = {&letters[ft_test_below(&model->seed, 12)], 1};
		struct ft_bytes name2 = {&letters[ft_test_below(&model->seed, 12)], 1};

		switch (ft_test_below(&model->seed, 6)) {
		case 0:
			ft_nodes_add(nodes, a, name, b);
			break;
		case 1:
			ft_nodes_remove(nodes, a, name);
			break;
		case 2:
			ft_nodes_rename(nodes, a, name, b, name2, a % 2);
			break;
		case 3:
			ft_nodes_child_path(nodes, a, name);
			break;
		case 4:
			ft_nodes_set_unlinked(nodes, a);
			break;
		default:
			ft_nodes_path(nodes, a, ft_nodes_link(nodes, b), &ignored);
		}
	}
	free(model);
	ft_nodes_free(nodes);
}

static uint64_t find(const struct ft_nodes *nodes, const char *path)
{
	return ft_nodes_find(nodes, ft_bytes_of(path));
}

static void test_find(void **state)
{
	struct ft_nodes *nodes = ft_nodes_new(0, NULL, NULL);

	add(nodes, 1, "a", 2);
	add(nodes, 2, "b", 3);
	assert_int_equal(find(nodes, "/"), 1);
	assert_int_equal(find(nodes, ""), 1);
	assert_int_equal(find(nodes, "/a"), 2);
	assert_int_equal(find(nodes, "/a/b"), 3);
	assert_int_equal(find(nodes, "/a//b/"), 3);
	assert_int_equal(find(nodes, "/b"), 0);
	assert_int_equal(find(nodes, "/a/c"), 0);
	assert_int_equal(find(nodes, "/a/c/b"), 0);
	move(nodes, 1, "a", 1, "c");
	assert_int_equal(find(nodes, "/a/b"), 0);
	assert_int_equal(find(nodes, "/c/b"), 3);
	ft_nodes_free(nodes);
}

static void test_resolver(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	struct kernel kernel = {.model = model};
	struct ft_nodes *nodes = ft_nodes_new(0, resolve, &kernel);

	assert_non_null(model);
	model->nodes[2] = (struct model_node){true, true, {{1, "d"}}, ""};
	model->nodes[3] = (struct model_node){true, true, {{2, "e"}}, ""};
	model->nodes[4] = (struct model_node){true, false, {{3, "f"}}, ""};
	assert_path(nodes, 4, "/d/e/f");
	assert_int_equal(kernel.asked, 1);
	assert_path(nodes, 3, "/d/e"); /* learnt on the way */
	assert_child(nodes, 3, "x", "/d/e/x");
	assert_int_equal(kernel.asked, 1);
	move(nodes, 1, "d", 1, "D");
	assert_path(nodes, 4, "/D/e/f");
	assert_int_equal(kernel.asked, 1);
	/* An entry whose directory is not known: that one is asked for. */
	model->nodes[5] = (struct model_node){true, true, {{1, "g"}}, ""};
	add(nodes, 5, "h", 6);
	assert_path(nodes, 6, "/g/h");
	assert_int_equal(kernel.asked, 2);
	free(model);
	ft_nodes_free(nodes);
}

/* What the kernel does not have is asked for ever less often, until the trace names it. */
static void test_resolver_that_does_not_find(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	struct kernel kernel = {.model = model, .is_broken = true};
	struct ft_nodes *nodes = ft_nodes_new(100, resolve, &kernel);

	assert_non_null(model);
	for (int i = 0; i < 1000; i++)
		assert_path(nodes, 7, NULL);
	assert_in_range(kernel.asked, 2, 20);
	add(nodes, 1, "seen", 7);
	assert_path(nodes, 7, "/seen");
	/* Numbers that nobody knows do not fill the table. */
	for (uint64_t i = 1000; i < 3000; i++)
		assert_path(nodes, i, NULL);
	assert_in_range(ft_nodes_count(nodes), 1, 100);
	free(model);
	ft_nodes_free(nodes);
}

/* Something in a directory was renamed: what was there has no path until it is looked up again. */
static void test_forgotten_names(void **state)
{
	struct ft_nodes *nodes = small_tree();
	bool is_unlinked;

	ft_nodes_forget_names(nodes, 2);
	assert_null(ft_nodes_path(nodes, 3, 0, &is_unlinked).data);
	assert_null(ft_nodes_path(nodes, 4, 0, &is_unlinked).data);
	assert_path(nodes, 2, "/d");
	assert_path(nodes, 5, "/g");
	add(nodes, 2, "new", 3);
	assert_path(nodes, 3, "/d/new");
	assert_path(nodes, 4, "/d/new/f");
	ft_nodes_forget_names(nodes, 77);
	ft_nodes_forget_names(nodes, FT_NODE_ROOT);
	assert_path(nodes, FT_NODE_ROOT, "/");
	assert_null(ft_nodes_path(nodes, 5, 0, &is_unlinked).data);
	ft_nodes_free(nodes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forgotten_names),
		cmocka_unit_test(test_root_and_unknown),
		cmocka_unit_test(test_dots),
		cmocka_unit_test(test_rename_of_directory_in_use),
		cmocka_unit_test(test_rename_of_directory_learnt_late),
		cmocka_unit_test(test_rename_over),
		cmocka_unit_test(test_rename_of_unknown_over_known),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_hard_links),
		cmocka_unit_test(test_very_many_hard_links),
		cmocka_unit_test(test_unlink_of_open_file),
		cmocka_unit_test(test_rmdir_with_open_children),
		cmocka_unit_test(test_reused_nodeid),
		cmocka_unit_test(test_directory_that_moved_unseen),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_beyond_all_limits),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_dropped_directory_is_renamed),
		cmocka_unit_test(test_random_with_all_known),
		cmocka_unit_test(test_random_with_little_known),
		cmocka_unit_test(test_random_with_resolver),
		cmocka_unit_test(test_random_with_evil_resolver),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_resolver),
		cmocka_unit_test(test_resolver_that_does_not_find),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
