/* SPDX-License-Identifier: MIT */
/*
 * The node table against a model, at random. The model is a plain tree that knows everything; the
 * table is told what a trace would tell it, and must never name a path that is wrong. The fake kernel
 * answers the resolver from the same tree.
 */
#include "nodes_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "testing.h"

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
	nodes_add(nodes, parent, name, id);
}

static void step_lookup(struct model *model, struct ft_nodes *nodes)
{
	uint64_t parent = model_directory(model), id;
	size_t link;
	char name[8];

	model_name(model, name);
	id = model_find(model, parent, name, &link);
	if (id)
		nodes_add(nodes, parent, name, id);
	else
		nodes_remove(nodes, parent, name);
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
	nodes_add(nodes, parent, name, id);
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
	nodes_remove(nodes, parent, name);
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
		nodes_assert_bytes(path, node->last_path);
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

static void test_resolver(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	struct kernel kernel = {.model = model};
	struct ft_nodes *nodes = ft_nodes_new(0, resolve, &kernel);

	assert_non_null(model);
	model->nodes[2] = (struct model_node){true, true, {{1, "d"}}, ""};
	model->nodes[3] = (struct model_node){true, true, {{2, "e"}}, ""};
	model->nodes[4] = (struct model_node){true, false, {{3, "f"}}, ""};
	nodes_assert_path(nodes, 4, "/d/e/f");
	assert_int_equal(kernel.asked, 1);
	nodes_assert_path(nodes, 3, "/d/e"); /* learnt on the way */
	nodes_assert_child(nodes, 3, "x", "/d/e/x");
	assert_int_equal(kernel.asked, 1);
	nodes_move(nodes, 1, "d", 1, "D");
	nodes_assert_path(nodes, 4, "/D/e/f");
	assert_int_equal(kernel.asked, 1);
	/* An entry whose directory is not known: that one is asked for. */
	model->nodes[5] = (struct model_node){true, true, {{1, "g"}}, ""};
	nodes_add(nodes, 5, "h", 6);
	nodes_assert_path(nodes, 6, "/g/h");
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
		nodes_assert_path(nodes, 7, NULL);
	assert_in_range(kernel.asked, 2, 20);
	nodes_add(nodes, 1, "seen", 7);
	nodes_assert_path(nodes, 7, "/seen");
	/* Numbers that nobody knows do not fill the table. */
	for (uint64_t i = 1000; i < 3000; i++)
		nodes_assert_path(nodes, i, NULL);
	assert_in_range(ft_nodes_count(nodes), 1, 100);
	free(model);
	ft_nodes_free(nodes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_with_all_known),
		cmocka_unit_test(test_random_with_little_known),
		cmocka_unit_test(test_random_with_resolver),
		cmocka_unit_test(test_random_with_evil_resolver),
		cmocka_unit_test(test_resolver),
		cmocka_unit_test(test_resolver_that_does_not_find),
	};

	ft_test_deadline(110);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
