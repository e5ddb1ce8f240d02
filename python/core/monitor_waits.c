/* SPDX-License-Identifier: MIT */
/* The waits of a monitor, by the loop of waits.c. */
#include <errno.h>
#include <stdlib.h>

#include "core.h"

int core_mark_convert(PyObject *object, void *data)
{
	struct core_mark *mark = data;
	unsigned long long seq, mono_ns, lost, printed = 0;

	*mark = (struct core_mark){0};
	if (object == Py_None)
		return 1;
	if (!PyTuple_Check(object)) {
		PyErr_SetString(PyExc_TypeError, "a mark is a tuple or None");
		return 0;
	}
	if (!PyArg_ParseTuple(object, "KKK|K", &seq, &mono_ns, &lost, &printed))
		return 0;
	mark->mark.seq = seq;
	mark->mark.mono_ns = mono_ns;
	mark->mark.lost = lost;
	mark->mark.printed = printed;
	mark->is_given = true;
	return 1;
}

/* The wait itself, for core_monitor_wait(). */
static int wait_all(const struct core_monitor *monitor, const struct core_mark *mark,
		    struct core_matches *matches, unsigned int order, uint64_t timeout_ns,
		    struct fusetrace_op **ops, struct fusetrace_report **reterr_report)
{
	struct core_call call = {.operation_type = monitor->operation_type};
	struct core_wait wait;
	int r;

	core_matches_set_call(matches, &call);
	core_wait_init(&wait, monitor, timeout_ns);
	while (core_wait_sleeps(&wait, &r)) {
		call.saved = PyEval_SaveThread();
		r = fusetrace_wait_all(monitor->monitor, core_mark_pointer(mark), matches->pointers,
				       (size_t)matches->count, order, core_wait_left(&wait), ops,
				       reterr_report);
		PyEval_RestoreThread(call.saved);
	}
	return r;
}

/* wait(mark, matches, order, timeout_ns, wants_report=True) -> operations, as the matches stand */
PyObject *core_monitor_wait(PyObject *self, PyObject *args)
{
	const struct core_monitor *monitor = (struct core_monitor *)self;
	struct fusetrace_report *report = NULL;
	struct fusetrace_op **ops;
	struct core_matches matches;
	struct core_mark mark;
	PyObject *sequence, *list = NULL;
	unsigned long long timeout_ns;
	int wants_report = 1;
	unsigned int order;
	int r;

	if (!PyArg_ParseTuple(args, "O&OIK|p", core_mark_convert, &mark, &sequence, &order,
			      &timeout_ns, &wants_report) ||
	    !core_matches_init(&matches, sequence))
		return NULL;
	ops = PyMem_Calloc((size_t)matches.count + 1, sizeof(struct fusetrace_op *));
	if (!ops) {
		core_matches_done(&matches);
		return PyErr_NoMemory();
	}
	r = wait_all(monitor, &mark, &matches, order, timeout_ns, ops,
		     wants_report ? &report : NULL);
	if (r == 0)
		list = core_operation_list(monitor->operation_type, ops, (size_t)matches.count);
	else
		core_raise_report(r, report);
	PyMem_Free(ops);
	core_matches_done(&matches);
	return list;
}

/* wait_none(mark, matches, window_ns) -> None */
PyObject *core_monitor_wait_none(PyObject *self, PyObject *args)
{
	const struct core_monitor *monitor = (struct core_monitor *)self;
	struct core_call call = {.operation_type = monitor->operation_type};
	struct fusetrace_report *report = NULL;
	struct core_matches matches;
	struct core_wait wait;
	struct core_mark mark;
	PyObject *sequence;
	unsigned long long window_ns;
	int r;

	if (!PyArg_ParseTuple(args, "O&OK", core_mark_convert, &mark, &sequence, &window_ns) ||
	    !core_matches_init(&matches, sequence))
		return NULL;
	core_matches_set_call(&matches, &call);
	core_wait_init(&wait, monitor, window_ns);
	while (core_wait_sleeps(&wait, &r)) {
		call.saved = PyEval_SaveThread();
		r = matches.count != 1
			    ? -EINVAL
			    : fusetrace_wait_none(monitor->monitor, core_mark_pointer(&mark),
						  matches.pointers[0], core_wait_left(&wait), NULL,
						  &report);
		PyEval_RestoreThread(call.saved);
	}
	core_matches_done(&matches);
	if (r < 0)
		return core_raise_report(r, report);
	Py_RETURN_NONE;
}

/* wait_idle(quiet_ns, timeout_ns) -> None */
PyObject *core_monitor_wait_idle(PyObject *self, PyObject *args)
{
	const struct core_monitor *monitor = (struct core_monitor *)self;
	struct fusetrace_report *report = NULL;
	unsigned long long quiet_ns, timeout_ns;
	struct core_wait wait;
	int r;

	if (!PyArg_ParseTuple(args, "KK", &quiet_ns, &timeout_ns))
		return NULL;
	core_wait_init(&wait, monitor, timeout_ns);
	while (core_wait_sleeps(&wait, &r)) {
		PyThreadState *saved = PyEval_SaveThread();

		r = fusetrace_wait_idle(monitor->monitor, quiet_ns, core_wait_left(&wait), &report);
		PyEval_RestoreThread(saved);
	}
	if (r < 0)
		return core_raise_report(r, report);
	Py_RETURN_NONE;
}

/* A pattern of Python that the library asks about each line. */
struct line_check {
	PyThreadState *saved;
	PyObject *search; /* function of the line as bytes, or NULL */
};

static int run_line_check(const char *line, size_t length, void *data)
{
	struct line_check *check = data;
	PyObject *found;
	int answer;

	PyEval_RestoreThread(check->saved);
	found = PyObject_CallFunction(check->search, "y#", line, (Py_ssize_t)length);
	answer = found ? PyObject_IsTrue(found) : -1;
	Py_XDECREF(found);
	check->saved = PyEval_SaveThread();
	return answer < 0 ? -ECANCELED : answer;
}

/* wait_line(mark, text, search, name, label, timeout_ns) -> bytes */
PyObject *core_monitor_wait_line(PyObject *self, PyObject *args)
{
	const struct core_monitor *monitor = (struct core_monitor *)self;
	struct fusetrace_line *wanted = FUSETRACE_LINE();
	struct fusetrace_report *report = NULL;
	struct line_check check = {NULL};
	PyObject *text, *name, *label, *result;
	unsigned long long timeout_ns;
	struct core_wait wait;
	struct core_mark mark;
	char *line = NULL;
	int r;

	if (!PyArg_ParseTuple(args, "O&OOOOK", core_mark_convert, &mark, &text, &check.search,
			      &name, &label, &timeout_ns) ||
	    !core_bytes(text, &wanted->text) || !core_bytes(name, &wanted->check_name) ||
	    !core_bytes(label, &wanted->label))
		return NULL;
	if (check.search != Py_None) {
		wanted->check = run_line_check;
		wanted->data = &check;
	}
	core_wait_init(&wait, monitor, timeout_ns);
	while (core_wait_sleeps(&wait, &r)) {
		check.saved = PyEval_SaveThread();
		r = fusetrace_wait_line(monitor->monitor, core_mark_pointer(&mark), wanted,
					core_wait_left(&wait), &line, &report);
		PyEval_RestoreThread(check.saved);
	}
	if (r < 0)
		return core_raise_report(r, report);
	result = PyBytes_FromString(line);
	free(line);
	return result;
}

/* wait_state(state, timeout_ns) -> None */
PyObject *core_monitor_wait_state(PyObject *self, PyObject *args)
{
	const struct core_monitor *monitor = (struct core_monitor *)self;
	unsigned long long timeout_ns;
	struct core_wait wait;
	unsigned int state;
	int r;

	if (!PyArg_ParseTuple(args, "IK", &state, &timeout_ns))
		return NULL;
	core_wait_init(&wait, monitor, timeout_ns);
	while (core_wait_sleeps(&wait, &r)) {
		PyThreadState *saved = PyEval_SaveThread();

		r = fusetrace_wait_state(monitor->monitor, state, core_wait_left(&wait));
		PyEval_RestoreThread(saved);
	}
	if (r < 0)
		return core_raise(r, NULL);
	Py_RETURN_NONE;
}
