/* SPDX-License-Identifier: MIT */
/*
 * Monitor: its life and its marks. What its history holds is in monitor_history.c, the waits are in
 * monitor_waits.c.
 */
#include <errno.h>
#include <stdbool.h>

#include "core.h"

static struct fusetrace_monitor *monitor_of(PyObject *self)
{
	return ((struct core_monitor *)self)->monitor;
}

static PyObject *none_or_raise(int r, const struct fusetrace_error *error)
{
	if (r < 0)
		return core_raise(r, error);
	Py_RETURN_NONE;
}

/* ---- life ---- */

/* Monitor(mount, source, flags, max_ops, operation_type) */
static PyObject *monitor_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	struct core_state *state = PyType_GetModuleState(type);
	allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
	struct fusetrace_monitor_opts opts = *FUSETRACE_MONITOR_OPTS();
	struct fusetrace_error error = {0};
	unsigned long long max_ops;
	PyObject *operation_type, *mount;
	struct core_monitor *self;
	int r;

	if (!PyArg_ParseTuple(args, "OIIKO!", &mount, &opts.source, &opts.flags, &max_ops,
			      &PyType_Type, &operation_type) ||
	    !core_bytes(mount, &opts.mount))
		return NULL;
	if (!PyType_IsSubtype((PyTypeObject *)operation_type, state->operation_type)) {
		PyErr_SetString(PyExc_TypeError, "operation_type is no subclass of Operation");
		return NULL;
	}
	self = (struct core_monitor *)alloc(type, 0);
	if (!self)
		return NULL;
	Py_INCREF(operation_type);
	self->operation_type = (PyTypeObject *)operation_type;
	opts.max_ops = max_ops;
	opts.flags |= FUSETRACE_MONITOR_EINTR;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_monitor_new(&opts, &self->monitor, &error);
	Py_END_ALLOW_THREADS
	if (r < 0) {
		Py_DECREF(self);
		return core_raise(r, &error);
	}
	return (PyObject *)self;
}

static void monitor_dealloc(PyObject *object)
{
	struct core_monitor *self = (struct core_monitor *)object;
	PyTypeObject *type = Py_TYPE(object);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	Py_BEGIN_ALLOW_THREADS
	self->monitor = fusetrace_monitor_free(self->monitor);
	Py_END_ALLOW_THREADS
	Py_CLEAR(self->operation_type);
	release(object);
	Py_DECREF(type);
}

static PyObject *monitor_start(PyObject *self, PyObject *unused)
{
	struct fusetrace_error error = {0};
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_monitor_start(monitor_of(self), &error);
	Py_END_ALLOW_THREADS
	return none_or_raise(r, &error);
}

static PyObject *monitor_stop(PyObject *self, PyObject *unused)
{
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_monitor_stop(monitor_of(self));
	Py_END_ALLOW_THREADS
	return none_or_raise(r, NULL);
}

static PyObject *monitor_follow(PyObject *self, PyObject *args)
{
	int pid, r;

	if (!PyArg_ParseTuple(args, "i", &pid))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_monitor_follow(monitor_of(self), pid);
	Py_END_ALLOW_THREADS
	return none_or_raise(r, NULL);
}

static PyObject *monitor_add_log_fd(PyObject *self, PyObject *args)
{
	struct fusetrace_error error = {0};
	int fd, r;

	if (!PyArg_ParseTuple(args, "i", &fd))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_monitor_add_log_fd(monitor_of(self), fd, &error);
	Py_END_ALLOW_THREADS
	return none_or_raise(r, &error);
}

static PyObject *monitor_add_log_file(PyObject *self, PyObject *args)
{
	struct fusetrace_error error = {0};
	const char *path;
	int from_begin, r;

	if (!PyArg_ParseTuple(args, "yp", &path, &from_begin))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_monitor_add_log_file(monitor_of(self), path,
					   from_begin ? FUSETRACE_LOG_FROM_BEGIN : 0, &error);
	Py_END_ALLOW_THREADS
	return none_or_raise(r, &error);
}

static PyObject *monitor_ignore(PyObject *self, PyObject *args)
{
	int thread, is_ignored, r;

	if (!PyArg_ParseTuple(args, "ip", &thread, &is_ignored))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_monitor_ignore(monitor_of(self), thread, is_ignored);
	Py_END_ALLOW_THREADS
	return none_or_raise(r, NULL);
}

static PyObject *monitor_interrupt(PyObject *self, PyObject *unused)
{
	int r;

	((struct core_monitor *)self)->interrupts++;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_interrupt(monitor_of(self));
	Py_END_ALLOW_THREADS
	return none_or_raise(r, NULL);
}

static PyObject *monitor_feed(PyObject *self, PyObject *args)
{
	struct fusetrace_error error = {0};
	const char *data;
	Py_ssize_t size;
	int r;

	if (!PyArg_ParseTuple(args, "y#", &data, &size))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_feed(monitor_of(self), data, (size_t)size, &error);
	Py_END_ALLOW_THREADS
	return none_or_raise(r, &error);
}

static PyObject *monitor_feed_end(PyObject *self, PyObject *unused)
{
	struct fusetrace_error error = {0};
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_feed_end(monitor_of(self), &error);
	Py_END_ALLOW_THREADS
	return none_or_raise(r, &error);
}

/* ---- marks ---- */

static PyObject *monitor_mark(PyObject *self, PyObject *unused)
{
	struct fusetrace_mark mark;
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_mark_now(monitor_of(self), &mark);
	Py_END_ALLOW_THREADS
	if (r < 0)
		return core_raise(r, NULL);
	return Py_BuildValue("(KKKK)", (unsigned long long)mark.seq,
			     (unsigned long long)mark.mono_ns, (unsigned long long)mark.lost,
			     (unsigned long long)mark.printed);
}

static PyObject *monitor_sync(PyObject *self, PyObject *unused)
{
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_sync(monitor_of(self));
	Py_END_ALLOW_THREADS
	return none_or_raise(r, NULL);
}

static PyObject *monitor_lost(PyObject *self, PyObject *object)
{
	struct core_mark mark;
	uint64_t lost;

	if (!core_mark_convert(object, &mark))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	lost = fusetrace_lost(monitor_of(self), core_mark_pointer(&mark));
	Py_END_ALLOW_THREADS
	return PyLong_FromUnsignedLongLong(lost);
}

/* ---- what it knows of its mount ---- */

static PyObject *monitor_daemons(PyObject *self, PyObject *unused)
{
	PyObject *list;
	pid_t pids[64];
	int count;

	Py_BEGIN_ALLOW_THREADS
	count = fusetrace_monitor_daemons(monitor_of(self), pids, 64);
	Py_END_ALLOW_THREADS
	list = count < 0 ? core_raise(count, NULL) : PyList_New(0);
	for (int i = 0; list && i < count && i < 64; i++) {
		PyObject *pid = PyLong_FromLong(pids[i]);

		if (!pid || PyList_Append(list, pid) < 0)
			Py_CLEAR(list);
		Py_XDECREF(pid);
	}
	return list;
}

static PyObject *monitor_daemon_exit(PyObject *self, PyObject *unused)
{
	pid_t pid;
	int status, r;

	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_monitor_daemon_exit(monitor_of(self), &pid, &status);
	Py_END_ALLOW_THREADS
	if (r == -EAGAIN || r == -ENODATA)
		Py_RETURN_NONE;
	return r < 0 ? core_raise(r, NULL) : Py_BuildValue("(ii)", (int)pid, status);
}

static PyObject *monitor_set_trace_path(PyObject *self, PyObject *path)
{
	const char *bytes;
	int r;

	if (!core_bytes(path, &bytes))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_monitor_set_trace_path(monitor_of(self), bytes);
	Py_END_ALLOW_THREADS
	return none_or_raise(r, NULL);
}

static PyObject *monitor_set_timeout_scale(PyObject *self, PyObject *scale)
{
	double value = PyFloat_AsDouble(scale);
	int r;

	if (value == -1.0 && PyErr_Occurred())
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_monitor_set_timeout_scale(monitor_of(self), value);
	Py_END_ALLOW_THREADS
	return none_or_raise(r, NULL);
}

static PyObject *monitor_state(PyObject *self, void *unused)
{
	uint32_t state;

	Py_BEGIN_ALLOW_THREADS
	state = fusetrace_monitor_state(monitor_of(self));
	Py_END_ALLOW_THREADS
	return PyLong_FromUnsignedLong(state);
}

static PyObject *monitor_source(PyObject *self, void *unused)
{
	uint32_t source;

	Py_BEGIN_ALLOW_THREADS
	source = fusetrace_monitor_source(monitor_of(self));
	Py_END_ALLOW_THREADS
	return PyLong_FromUnsignedLong(source);
}

static PyObject *monitor_mountpoint(PyObject *self, void *unused)
{
	const char *mountpoint;

	Py_BEGIN_ALLOW_THREADS
	mountpoint = fusetrace_monitor_mountpoint(monitor_of(self));
	Py_END_ALLOW_THREADS
	if (!mountpoint)
		Py_RETURN_NONE;
	return PyBytes_FromString(mountpoint);
}

/* ---- the type ---- */

static PyMethodDef monitor_methods[] = {
	{"start", monitor_start, METH_NOARGS, "Begins to trace."},
	{"stop", monitor_stop, METH_NOARGS, "Ends the trace; again is fine."},
	{"follow", monitor_follow, METH_VARARGS, "follow(pid): the daemon of a pending monitor."},
	{"add_log_fd", monitor_add_log_fd, METH_VARARGS, "add_log_fd(fd): takes the descriptor."},
	{"add_log_file", monitor_add_log_file, METH_VARARGS, "add_log_file(path, from_begin)."},
	{"ignore", monitor_ignore, METH_VARARGS, "ignore(thread, is_ignored)."},
	{"interrupt", monitor_interrupt, METH_NOARGS, "Ends all waits."},
	{"feed", monitor_feed, METH_VARARGS, "feed(data): a recording or a log, in pieces."},
	{"feed_end", monitor_feed_end, METH_NOARGS, "No more pieces."},
	{"mark", monitor_mark, METH_NOARGS, "(seq, mono_ns, lost, printed) after a barrier."},
	{"sync", monitor_sync, METH_NOARGS, "The barrier alone."},
	{"lost", monitor_lost, METH_O, "lost(mark): events lost since."},
	{"operations", core_monitor_operations, METH_VARARGS, "operations(mark, matches) -> list."},
	{"count", core_monitor_count, METH_VARARGS, "count(mark, matches) -> int."},
	{"in_flight", core_monitor_in_flight, METH_NOARGS, "What has no reply yet, oldest first."},
	{"log_lines", core_monitor_log_lines, METH_NOARGS, "The daemon's last lines, as bytes."},
	{"waits", core_monitor_waits, METH_NOARGS, "The last waits: (end in ns, JSON) each."},
	{"summary", core_monitor_summary, METH_NOARGS, "Rows of totals, most frequent first."},
	{"daemons", monitor_daemons, METH_NOARGS, "Process ids of the daemon."},
	{"daemon_exit", monitor_daemon_exit, METH_NOARGS,
	 "(pid, wait status) of the last one, or None."},
	{"set_trace_path", monitor_set_trace_path, METH_O, "Bytes or None: told in reports."},
	{"set_timeout_scale", monitor_set_timeout_scale, METH_O, "A factor: told in reports."},
	{"wait", core_monitor_wait, METH_VARARGS,
	 "wait(mark, matches, order, timeout_ns, wants_report)."},
	{"wait_none", core_monitor_wait_none, METH_VARARGS, "wait_none(mark, matches, window_ns)."},
	{"wait_idle", core_monitor_wait_idle, METH_VARARGS, "wait_idle(quiet_ns, timeout_ns)."},
	{"wait_line", core_monitor_wait_line, METH_VARARGS,
	 "wait_line(mark, text, search, name, label, timeout_ns) -> bytes."},
	{"wait_state", core_monitor_wait_state, METH_VARARGS, "wait_state(state, timeout_ns)."},
	{NULL},
};

static PyGetSetDef monitor_getset[] = {
	{"state", monitor_state, NULL, "FUSETRACE_STATE_.", NULL},
	{"source", monitor_source, NULL, "FUSETRACE_SOURCE_.", NULL},
	{"mountpoint", monitor_mountpoint, NULL, "Bytes, None while pending.", NULL},
	{NULL},
};

static PyType_Slot monitor_slots[] = {
	{Py_tp_doc, "A monitor of the library: Monitor(mount, source, flags, max_ops, type)."},
	{Py_tp_new, monitor_new},
	{Py_tp_dealloc, monitor_dealloc},
	{Py_tp_methods, monitor_methods},
	{Py_tp_getset, monitor_getset},
	{0, NULL},
};

PyType_Spec core_monitor_spec = {
	.name = "fusetrace._core.Monitor",
	.basicsize = sizeof(struct core_monitor),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = monitor_slots,
};
