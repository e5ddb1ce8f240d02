/* SPDX-License-Identifier: MIT */
/* What a monitor's history holds, as lists and numbers; looked up without waiting. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core.h"

static struct fusetrace_monitor *monitor_of(PyObject *self)
{
	return ((struct core_monitor *)self)->monitor;
}

/* Operations on their way to a list. */
struct gathered {
	struct fusetrace_op **ops;
	size_t count;
	size_t room;
};

static int gather(struct fusetrace_op *op, void *data)
{
	struct gathered *gathered = data;

	if (gathered->count == gathered->room) {
		size_t room = gathered->room ? gathered->room * 2 : 1024;
		struct fusetrace_op **ops = realloc(gathered->ops, room * sizeof(*ops));

		if (!ops)
			return -ENOMEM;
		gathered->ops = ops;
		gathered->room = room;
	}
	gathered->ops[gathered->count++] = fusetrace_op_ref(op);
	return 0;
}

static PyObject *give(PyObject *self, struct gathered *gathered, int r)
{
	PyObject *list = NULL;

	if (r < 0) {
		for (size_t i = 0; i < gathered->count; i++)
			fusetrace_op_unref(gathered->ops[i]);
		core_raise(r, NULL);
	} else {
		list = core_operation_list(((struct core_monitor *)self)->operation_type,
					   gathered->ops, gathered->count);
	}
	free(gathered->ops);
	return list;
}

/* One match without a check function, or an empty sequence: every operation. */
static bool one_match(struct core_matches *matches, PyObject *sequence)
{
	if (!core_matches_init(matches, sequence))
		return false;
	if (matches->count <= 1 && (matches->count == 0 || !matches->items[0].check))
		return true;
	core_matches_done(matches);
	PyErr_SetString(PyExc_ValueError, "at most one match, without a check function");
	return false;
}

/* operations(mark, matches) -> list */
PyObject *core_monitor_operations(PyObject *self, PyObject *args)
{
	struct gathered gathered = {NULL};
	struct core_matches matches;
	struct core_mark mark;
	PyObject *sequence;
	int r;

	if (!PyArg_ParseTuple(args, "O&O", core_mark_convert, &mark, &sequence) ||
	    !one_match(&matches, sequence))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_foreach(monitor_of(self), core_mark_pointer(&mark), matches.pointers[0],
			      gather, &gathered);
	Py_END_ALLOW_THREADS
	core_matches_done(&matches);
	return give(self, &gathered, r);
}

/* count(mark, matches) -> int */
PyObject *core_monitor_count(PyObject *self, PyObject *args)
{
	struct core_matches matches;
	struct core_mark mark;
	PyObject *sequence;
	int64_t count;

	if (!PyArg_ParseTuple(args, "O&O", core_mark_convert, &mark, &sequence) ||
	    !one_match(&matches, sequence))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	count = fusetrace_count(monitor_of(self), core_mark_pointer(&mark), matches.pointers[0]);
	Py_END_ALLOW_THREADS
	core_matches_done(&matches);
	return count < 0 ? core_raise((int)count, NULL) : PyLong_FromLongLong(count);
}

PyObject *core_monitor_in_flight(PyObject *self, PyObject *unused)
{
	struct gathered gathered = {NULL};
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_in_flight(monitor_of(self), NULL, gather, &gathered);
	Py_END_ALLOW_THREADS
	return give(self, &gathered, r);
}

/* Lines on their way to a list; the interpreter's lock is taken for each. */
struct gathered_lines {
	PyThreadState *saved;
	PyObject *list;
};

static int add_line(const char *line, size_t length, void *data)
{
	struct gathered_lines *lines = data;
	PyObject *bytes;
	int r;

	PyEval_RestoreThread(lines->saved);
	bytes = PyBytes_FromStringAndSize(line, (Py_ssize_t)length);
	r = bytes ? PyList_Append(lines->list, bytes) : -1;
	Py_XDECREF(bytes);
	lines->saved = PyEval_SaveThread();
	return r < 0 ? -ENOMEM : 0;
}

static int gather_lines(struct fusetrace_monitor *monitor, struct gathered_lines *lines)
{
	return fusetrace_log_lines(monitor, add_line, lines);
}

/* What gather() adds, one after the other, without the interpreter's lock but for the adding. */
static PyObject *gathered(PyObject *self, int (*gather)(struct fusetrace_monitor *monitor,
							struct gathered_lines *lines))
{
	struct gathered_lines lines = {.list = PyList_New(0)};
	int r;

	if (!lines.list)
		return NULL;
	lines.saved = PyEval_SaveThread();
	r = gather(monitor_of(self), &lines);
	PyEval_RestoreThread(lines.saved);
	if (r < 0) {
		Py_DECREF(lines.list);
		return core_raise(r, NULL);
	}
	return lines.list;
}

PyObject *core_monitor_log_lines(PyObject *self, PyObject *unused)
{
	return gathered(self, gather_lines);
}

static int add_wait(const struct fusetrace_wait_record *wait, const char *json, void *data)
{
	struct gathered_lines *lines = data;
	PyObject *item;
	int r;

	PyEval_RestoreThread(lines->saved);
	item = Py_BuildValue("(Ky)", (unsigned long long)wait->ended_ns, json);
	r = item ? PyList_Append(lines->list, item) : -1;
	Py_XDECREF(item);
	lines->saved = PyEval_SaveThread();
	return r < 0 ? -ENOMEM : 0;
}

static int gather_waits(struct fusetrace_monitor *monitor, struct gathered_lines *lines)
{
	return fusetrace_foreach_wait(monitor, add_wait, lines);
}

/* The last waits that have ended, oldest first: a list of (end in ns, JSON). */
PyObject *core_monitor_waits(PyObject *self, PyObject *unused)
{
	return gathered(self, gather_waits);
}

static PyObject *row_of(const struct fusetrace_summary_row *row)
{
	return Py_BuildValue("(syKKKKKKKKKK)", row->op, row->slowest,
			     (unsigned long long)row->count, (unsigned long long)row->failed,
			     (unsigned long long)row->probes, (unsigned long long)row->timed,
			     (unsigned long long)row->total_ns, (unsigned long long)row->p50_ns,
			     (unsigned long long)row->p95_ns, (unsigned long long)row->p99_ns,
			     (unsigned long long)row->max_ns, (unsigned long long)row->bytes);
}

/* The totals since the start, which outlive the history's limit: a list of rows. */
PyObject *core_monitor_summary(PyObject *self, PyObject *unused)
{
	struct fusetrace_summary *summary = NULL;
	struct fusetrace_summary_row row;
	PyObject *list = PyList_New(0);
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_summary_new(&summary);
	if (r == 0)
		r = fusetrace_summary_add_monitor(summary, monitor_of(self));
	Py_END_ALLOW_THREADS
	for (size_t i = 0; list && r == 0 && fusetrace_summary_get(summary, i, &row) == 0; i++) {
		PyObject *item = row_of(&row);

		if (!item || PyList_Append(list, item) < 0)
			Py_CLEAR(list);
		Py_XDECREF(item);
	}
	fusetrace_summary_free(summary);
	if (r < 0) {
		Py_XDECREF(list);
		return core_raise(r, NULL);
	}
	return list;
}
