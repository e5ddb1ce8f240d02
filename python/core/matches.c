/* SPDX-License-Identifier: MIT */
/*
 * Matches of tuples (matcher.py makes them), and the way from the library's check to a function in
 * Python: it runs in the waiting thread, which takes the interpreter's lock for that time. An
 * exception ends the wait and stays set.
 */
#include <errno.h>
#include <stdbool.h>

#include "core.h"

static int run_check(const struct fusetrace_op *op, void *data)
{
	struct core_match *match = data;
	struct core_call *call = match->call;
	PyObject *operation, *answer = NULL;
	int r = -ECANCELED;

	PyEval_RestoreThread(call->saved);
	operation = core_operation_new(call->operation_type,
				       fusetrace_op_ref((struct fusetrace_op *)op));
	if (operation)
		answer = PyObject_CallFunctionObjArgs(match->check, operation, NULL);
	if (answer)
		r = PyObject_IsTrue(answer);
	Py_XDECREF(answer);
	Py_XDECREF(operation);
	call->saved = PyEval_SaveThread();
	return r < 0 ? -ECANCELED : r;
}

bool core_bytes(PyObject *object, const char **ret_bytes)
{
	char *bytes;

	if (object == Py_None) {
		*ret_bytes = NULL;
		return true;
	}
	/* Without a place for the length, a NUL in it is an error. */
	if (PyBytes_AsStringAndSize(object, &bytes, NULL) < 0)
		return false;
	*ret_bytes = bytes;
	return true;
}

static bool fill(struct core_match *item, PyObject *tuple)
{
	PyObject *op, *path, *check, *label, *check_name = Py_None, *where = Py_None;
	struct fusetrace_match *match = &item->match;
	long long pid;
	unsigned long long nodeid, min_size, min_duration, start_timeout = 0;

	*match = *FUSETRACE_MATCH();
	if (!PyTuple_Check(tuple)) {
		PyErr_SetString(PyExc_TypeError, "a match is a tuple");
		return false;
	}
	if (!PyArg_ParseTuple(tuple, "OOIIiILKKKOO|OOK", &op, &path, &match->path_kind,
			      &match->status, &match->error, &match->flags, &pid, &nodeid,
			      &min_size, &min_duration, &check, &label, &check_name, &where,
			      &start_timeout))
		return false;
	if (!core_bytes(op, &match->op) || !core_bytes(path, &match->path) ||
	    !core_bytes(label, &match->label) || !core_bytes(check_name, &match->check_name) ||
	    !core_bytes(where, &match->where))
		return false;
	match->pid = pid;
	match->nodeid = nodeid;
	match->min_size = min_size;
	match->min_duration_ns = min_duration;
	match->start_timeout_ns = start_timeout;
	Py_INCREF(tuple);
	item->owner = tuple;
	if (check != Py_None) {
		item->check = check;
		match->check = run_check;
		match->data = item;
	}
	return true;
}

bool core_matches_init(struct core_matches *matches, PyObject *sequence)
{
	Py_ssize_t count = PySequence_Size(sequence);

	*matches = (struct core_matches){0};
	if (count < 0)
		return false;
	matches->items = PyMem_Calloc((size_t)count + 1, sizeof(*matches->items));
	matches->pointers = PyMem_Calloc((size_t)count + 1, sizeof(*matches->pointers));
	if (!matches->items || !matches->pointers) {
		core_matches_done(matches);
		PyErr_NoMemory();
		return false;
	}
	for (Py_ssize_t i = 0; i < count; i++) {
		PyObject *tuple = PySequence_GetItem(sequence, i);
		bool is_good = tuple && fill(&matches->items[i], tuple);

		Py_XDECREF(tuple);
		if (!is_good) {
			core_matches_done(matches);
			return false;
		}
		matches->pointers[i] = &matches->items[i].match;
		matches->count++;
	}
	return true;
}

void core_matches_done(struct core_matches *matches)
{
	for (Py_ssize_t i = 0; i < matches->count; i++)
		Py_XDECREF(matches->items[i].owner);
	PyMem_Free(matches->items);
	PyMem_Free(matches->pointers);
	*matches = (struct core_matches){0};
}

void core_matches_set_call(struct core_matches *matches, struct core_call *call)
{
	for (Py_ssize_t i = 0; i < matches->count; i++)
		matches->items[i].call = call;
}
