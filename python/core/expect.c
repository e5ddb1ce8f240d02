/* SPDX-License-Identifier: MIT */
/*
 * Expect: a wait that is armed before the action. Its descriptor serves event loops; the object
 * keeps its monitor and its matches alive. One thread at a time.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core.h"

struct core_expect {
	PyObject_HEAD
	struct core_monitor *monitor; /* reference */
	struct fusetrace_expect *expect;
	struct core_matches matches;
	atomic_flag is_busy; /* a thread is in wait() or close() */
};

static PyObject *expect_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	struct core_state *state = PyType_GetModuleState(type);
	allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
	struct fusetrace_error error = {0};
	struct core_expect *self;
	struct core_mark mark;
	PyObject *monitor, *sequence;
	unsigned int order;
	int r;

	if (!PyArg_ParseTuple(args, "O!O&OI", state->monitor_type, &monitor, core_mark_convert,
			      &mark, &sequence, &order))
		return NULL;
	self = (struct core_expect *)alloc(type, 0);
	if (!self)
		return NULL;
	Py_INCREF(monitor);
	self->monitor = (struct core_monitor *)monitor;
	if (!core_matches_init(&self->matches, sequence)) {
		Py_DECREF(self);
		return NULL;
	}
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_expect_new(self->monitor->monitor, core_mark_pointer(&mark),
				 self->matches.pointers, (size_t)self->matches.count, order,
				 &self->expect, &error);
	Py_END_ALLOW_THREADS
	if (r < 0) {
		Py_DECREF(self);
		return core_raise(r, &error);
	}
	return (PyObject *)self;
}

static int expect_traverse(PyObject *object, visitproc visit, void *arg)
{
	struct core_expect *self = (struct core_expect *)object;

	Py_VISIT(Py_TYPE(object));
	Py_VISIT(self->monitor);
	for (Py_ssize_t i = 0; i < self->matches.count; i++)
		Py_VISIT(self->matches.items[i].owner);
	return 0;
}

static int expect_clear(PyObject *object)
{
	struct core_expect *self = (struct core_expect *)object;

	/* It leaves the engine's list before what it matches by goes. */
	self->expect = fusetrace_expect_free(self->expect);
	core_matches_done(&self->matches);
	Py_CLEAR(self->monitor);
	return 0;
}

static void expect_dealloc(PyObject *object)
{
	PyTypeObject *type = Py_TYPE(object);
	freefunc free_object = (freefunc)PyType_GetSlot(type, Py_tp_free);

	PyObject_GC_UnTrack(object);
	expect_clear(object);
	free_object(object);
	Py_DECREF(type);
}

/* Nobody else is in wait() or close() until release(); false with an exception set. */
static bool acquire(struct core_expect *self, bool must_be_open)
{
	if (atomic_flag_test_and_set(&self->is_busy)) {
		PyErr_SetString(PyExc_ValueError, "another thread waits for this expectation");
		return false;
	}
	if (self->expect || !must_be_open)
		return true;
	atomic_flag_clear(&self->is_busy);
	PyErr_SetString(PyExc_ValueError, "the expectation is closed");
	return false;
}

static void release(struct core_expect *self)
{
	atomic_flag_clear(&self->is_busy);
}

static PyObject *expect_fileno(PyObject *object, PyObject *unused)
{
	struct core_expect *self = (struct core_expect *)object;

	if (!self->expect) {
		PyErr_SetString(PyExc_ValueError, "the expectation is closed");
		return NULL;
	}
	return PyLong_FromLong(fusetrace_expect_fd(self->expect));
}

/* Room for what is found, and the expectation for this call alone; NULL: an exception is set. */
static struct fusetrace_op **begin_call(struct core_expect *self, struct core_call *call)
{
	struct fusetrace_op **ops =
		PyMem_Calloc((size_t)self->matches.count + 1, sizeof(struct fusetrace_op *));

	if (!ops)
		return (struct fusetrace_op **)PyErr_NoMemory();
	if (!acquire(self, true)) {
		PyMem_Free(ops);
		return NULL;
	}
	call->operation_type = self->monitor->operation_type;
	core_matches_set_call(&self->matches, call);
	return ops;
}

static PyObject *found(struct core_expect *self, const struct core_call *call,
		       struct fusetrace_op **ops)
{
	return core_operation_list(call->operation_type, ops, (size_t)self->matches.count);
}

static int sleep_and_look(struct core_expect *self, struct core_call *call, uint64_t timeout_ns,
			  struct fusetrace_op **ops, struct fusetrace_report **reterr_report)
{
	struct core_wait wait;
	int r;

	core_wait_init(&wait, self->monitor, timeout_ns);
	while (core_wait_sleeps(&wait, &r)) {
		call->saved = PyEval_SaveThread();
		r = fusetrace_expect_wait(self->expect, core_wait_left(&wait), ops, reterr_report);
		PyEval_RestoreThread(call->saved);
	}
	return r;
}

/* wait(timeout_ns, wants_report=True) -> operations, as the matches stand */
static PyObject *expect_wait(PyObject *object, PyObject *args)
{
	struct core_expect *self = (struct core_expect *)object;
	struct fusetrace_report *report = NULL;
	struct fusetrace_op **ops;
	unsigned long long timeout_ns;
	PyObject *list = NULL;
	struct core_call call;
	int wants_report = 1;
	int r;

	if (!PyArg_ParseTuple(args, "K|p", &timeout_ns, &wants_report))
		return NULL;
	ops = begin_call(self, &call);
	if (!ops)
		return NULL;
	r = sleep_and_look(self, &call, timeout_ns, ops, wants_report ? &report : NULL);
	release(self);
	if (r == 0)
		list = found(self, &call, ops);
	else
		core_raise_report(r, report);
	PyMem_Free(ops);
	return list;
}

/*
 * poll(timeout_ns, deadline_ns) -> operations, or (deadline_ns, again_ns): neither yes nor no. Never
 * sleeps; the first deadline is 0.
 */
static PyObject *expect_poll(PyObject *object, PyObject *args)
{
	struct core_expect *self = (struct core_expect *)object;
	struct fusetrace_report *report = NULL;
	struct fusetrace_op **ops;
	unsigned long long timeout_ns, given_ns;
	PyObject *answer = NULL;
	struct core_call call;
	uint64_t deadline_ns, again_ns;
	int r;

	if (!PyArg_ParseTuple(args, "KK", &timeout_ns, &given_ns))
		return NULL;
	ops = begin_call(self, &call);
	if (!ops)
		return NULL;
	deadline_ns = given_ns;
	call.saved = PyEval_SaveThread();
	r = fusetrace_expect_poll(self->expect, timeout_ns, &deadline_ns, &again_ns, ops, &report);
	PyEval_RestoreThread(call.saved);
	release(self);
	if (r == 0)
		answer = found(self, &call, ops);
	else if (r == -EAGAIN && !PyErr_Occurred())
		answer = Py_BuildValue("KK", (unsigned long long)deadline_ns,
				       (unsigned long long)again_ns);
	else
		core_raise_report(r, report);
	PyMem_Free(ops);
	return answer;
}

/* close(): the descriptor is gone; again is fine. Not while a thread waits. */
static PyObject *expect_close(PyObject *object, PyObject *unused)
{
	struct core_expect *self = (struct core_expect *)object;

	if (!acquire(self, false))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	self->expect = fusetrace_expect_free(self->expect);
	Py_END_ALLOW_THREADS
	release(self);
	Py_RETURN_NONE;
}

static PyMethodDef expect_methods[] = {
	{"fileno", expect_fileno, METH_NOARGS, "Becomes readable when wait(0) is worth a call."},
	{"wait", expect_wait, METH_VARARGS, "Waits and returns the operations."},
	{"poll", expect_poll, METH_VARARGS, "Waits without sleeping."},
	{"close", expect_close, METH_NOARGS, "Ends the expectation."},
	{NULL},
};

static PyType_Slot expect_slots[] = {
	{Py_tp_doc, "A wait that is armed: Expect(monitor, mark, matches, order)."},
	{Py_tp_new, expect_new},
	{Py_tp_dealloc, expect_dealloc},
	{Py_tp_traverse, expect_traverse},
	{Py_tp_clear, expect_clear},
	{Py_tp_methods, expect_methods},
	{0, NULL},
};

PyType_Spec core_expect_spec = {
	.name = "fusetrace._core.Expect",
	.basicsize = sizeof(struct core_expect),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	.slots = expect_slots,
};
