/* SPDX-License-Identifier: MIT */
/*
 * Mount: a daemon that was started, until it has been stopped. Sleeps are in the library, without the
 * interpreter's lock; a signal ends one, the handlers in Python run, and the call goes on.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core.h"

#define PIDS_MAX 64

struct core_mount {
	PyObject_HEAD
	struct fusetrace_mount *mount;
	PyObject *monitor; /* must live as long as the mount; or NULL */
};

static struct fusetrace_mount *mount_of(PyObject *self)
{
	return ((struct core_mount *)self)->mount;
}

/* ---- start ---- */

/* The pointers of a list of bytes, which keeps them; ends with NULL. NULL: an exception is set. */
static char **strings_of(PyObject *list)
{
	Py_ssize_t count = PyList_Size(list);
	char **strings = count < 0 ? NULL : calloc((size_t)count + 1, sizeof(*strings));

	if (!strings && count >= 0)
		PyErr_NoMemory();
	for (Py_ssize_t i = 0; strings && i < count; i++) {
		const char *bytes = NULL;

		if (!core_bytes(PyList_GetItem(list, i), &bytes) || !bytes) {
			free(strings);
			return NULL;
		}
		strings[i] = (char *)bytes;
	}
	return strings;
}

static PyObject *start(struct core_mount *self, struct fusetrace_mount_opts *opts, PyObject *argv,
		       PyObject *envp)
{
	struct fusetrace_error error = {0};
	char **arguments = strings_of(argv);
	char **environment = arguments ? strings_of(envp) : NULL;
	int r = 0;

	if (arguments && environment) {
		opts->argv = arguments;
		opts->envp = environment;
		Py_BEGIN_ALLOW_THREADS
		r = fusetrace_mount_start(opts, &self->mount, &error);
		Py_END_ALLOW_THREADS
		if (r < 0)
			core_raise(r, &error);
	}
	free(environment);
	free(arguments);
	if (self->mount)
		return (PyObject *)self;
	Py_DECREF(self);
	return NULL;
}

/* Mount(argv, envp, mountpoint, monitor or None, stdout, stderr, on_hang) */
static PyObject *mount_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	struct core_state *state = PyType_GetModuleState(type);
	allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
	struct fusetrace_mount_opts opts =
		*FUSETRACE_MOUNT_OPTS(.flags = FUSETRACE_MOUNT_EINTR | FUSETRACE_MOUNT_NEW_SESSION);
	PyObject *argv, *envp, *mountpoint, *monitor;
	struct core_mount *self;

	if (!PyArg_ParseTuple(args, "O!O!OOiiI", &PyList_Type, &argv, &PyList_Type, &envp,
			      &mountpoint, &monitor, &opts.stdout_fd, &opts.stderr_fd,
			      &opts.on_hang) ||
	    !core_bytes(mountpoint, &opts.mountpoint))
		return NULL;
	if (monitor != Py_None && !PyObject_TypeCheck(monitor, state->monitor_type)) {
		PyErr_SetString(PyExc_TypeError, "monitor is no Monitor");
		return NULL;
	}
	self = (struct core_mount *)alloc(type, 0);
	if (!self)
		return NULL;
	if (monitor != Py_None) {
		Py_INCREF(monitor);
		self->monitor = monitor;
		opts.monitor = ((struct core_monitor *)monitor)->monitor;
	}
	return start(self, &opts, argv, envp);
}

static void mount_dealloc(PyObject *object)
{
	struct core_mount *self = (struct core_mount *)object;
	PyTypeObject *type = Py_TYPE(object);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	Py_BEGIN_ALLOW_THREADS
	self->mount = fusetrace_mount_free(self->mount);
	Py_END_ALLOW_THREADS
	Py_CLEAR(self->monitor);
	release(object);
	Py_DECREF(type);
}

/* ---- waits ---- */

typedef int wait_fn(struct fusetrace_mount *, uint64_t, struct fusetrace_error *);

static PyObject *wait_by(PyObject *self, PyObject *args, wait_fn *fn)
{
	struct fusetrace_error error = {0};
	struct core_wait wait;
	unsigned long long timeout_ns;
	int r;

	if (!PyArg_ParseTuple(args, "K", &timeout_ns))
		return NULL;
	core_wait_init(&wait, NULL, timeout_ns);
	while (core_wait_sleeps(&wait, &r)) {
		Py_BEGIN_ALLOW_THREADS
		r = fn(mount_of(self), core_wait_left(&wait), &error);
		Py_END_ALLOW_THREADS
	}
	if (r < 0)
		return core_raise(r, &error);
	Py_RETURN_NONE;
}

static PyObject *mount_wait_ready(PyObject *self, PyObject *args)
{
	return wait_by(self, args, fusetrace_mount_wait_ready);
}

static PyObject *mount_wait_unmountable(PyObject *self, PyObject *args)
{
	return wait_by(self, args, fusetrace_mount_wait_unmountable);
}

/* ---- stop ---- */

static PyObject *describe_stop(const struct fusetrace_stop *stop)
{
	char text[512], json[512];

	fusetrace_stop_text(stop, text, sizeof(text));
	fusetrace_stop_json(stop, json, sizeof(json));
	return Py_BuildValue("(ss)", text, json);
}

/* stop(unmount_ns, busy_ns, term_ns, kill_ns): the same as text and as JSON */
static PyObject *mount_stop(PyObject *self, PyObject *args)
{
	unsigned long long unmount_ns, busy_ns, term_ns, kill_ns;
	struct fusetrace_error error = {0};
	struct fusetrace_stop stop;
	struct core_wait wait;
	int r;

	if (!PyArg_ParseTuple(args, "KKKK", &unmount_ns, &busy_ns, &term_ns, &kill_ns))
		return NULL;
	core_wait_init(&wait, NULL, FUSETRACE_FOREVER);
	while (core_wait_sleeps(&wait, &r)) {
		Py_BEGIN_ALLOW_THREADS
		r = fusetrace_mount_stop(mount_of(self),
					 FUSETRACE_STOP_OPTS(.unmount_ns = unmount_ns,
							     .busy_ns = busy_ns, .term_ns = term_ns,
							     .kill_ns = kill_ns),
					 &stop, &error);
		Py_END_ALLOW_THREADS
	}
	if (r < 0)
		return core_raise(r, &error);
	return describe_stop(&stop);
}

static PyObject *mount_abort(PyObject *self, PyObject *unused)
{
	int r;

	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_mount_abort(mount_of(self));
	Py_END_ALLOW_THREADS
	if (r < 0 && r != -ENOENT)
		return core_raise(r, NULL);
	return PyBool_FromLong(r == 0);
}

/* stacks(on_hang) */
static PyObject *mount_stacks(PyObject *self, PyObject *args)
{
	const char *text;
	unsigned int on_hang;
	int r;

	if (!PyArg_ParseTuple(args, "I", &on_hang))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_mount_take_stacks(mount_of(self), on_hang);
	Py_END_ALLOW_THREADS
	if (r < 0)
		return core_raise(r, NULL);
	text = fusetrace_mount_last_stacks(mount_of(self));
	return PyBytes_FromString(text ? text : "");
}

/* ---- what is known ---- */

/* The wait status of the process that was started; None: it runs; -1: somebody else knows. */
static PyObject *mount_status(PyObject *self, PyObject *unused)
{
	int status = 0;
	int r = fusetrace_mount_status(mount_of(self), &status);

	if (r == 0)
		Py_RETURN_NONE;
	if (r < 0 && r != -ENODATA)
		return core_raise(r, NULL);
	return PyLong_FromLong(r < 0 ? -1 : status);
}

static PyObject *mount_pids(PyObject *self, PyObject *unused)
{
	pid_t pids[PIDS_MAX];
	PyObject *list;
	int count;

	Py_BEGIN_ALLOW_THREADS
	count = fusetrace_mount_pids(mount_of(self), pids, PIDS_MAX);
	Py_END_ALLOW_THREADS
	if (count < 0)
		return core_raise(count, NULL);
	list = PyList_New(0);
	for (int i = 0; list && i < count && i < PIDS_MAX; i++) {
		PyObject *pid = PyLong_FromLong(pids[i]);

		if (!pid || PyList_Append(list, pid) < 0)
			Py_CLEAR(list);
		Py_XDECREF(pid);
	}
	return list;
}

struct holders {
	PyObject *list; /* NULL: an exception is set */
	PyThreadState *saved;
};

static int add_holder(const struct fusetrace_holder *holder, void *data)
{
	struct holders *holders = data;
	PyObject *item;

	PyEval_RestoreThread(holders->saved);
	item = Py_BuildValue("(iyyy)", (int)holder->pid, holder->comm, holder->what, holder->path);
	if (!item || PyList_Append(holders->list, item) < 0)
		Py_CLEAR(holders->list);
	Py_XDECREF(item);
	holders->saved = PyEval_SaveThread();
	return holders->list ? 0 : 1;
}

/* [(pid, comm, what, path)] */
static PyObject *mount_holders(PyObject *self, PyObject *unused)
{
	struct holders holders = {.list = PyList_New(0)};
	int r;

	if (!holders.list)
		return NULL;
	holders.saved = PyEval_SaveThread();
	r = fusetrace_mount_holders(mount_of(self), add_holder, &holders);
	PyEval_RestoreThread(holders.saved);
	if (r < 0 && holders.list) {
		Py_CLEAR(holders.list);
		core_raise(r, NULL);
	}
	return holders.list;
}

static PyObject *mount_get_pid(PyObject *self, void *unused)
{
	return PyLong_FromLong(fusetrace_mount_pid(mount_of(self)));
}

static PyObject *mount_get_connection(PyObject *self, void *unused)
{
	return PyLong_FromUnsignedLong(fusetrace_mount_connection(mount_of(self)));
}

static PyMethodDef methods[] = {
	{"wait_ready", mount_wait_ready, METH_VARARGS, "wait_ready(timeout_ns)."},
	{"wait_unmountable", mount_wait_unmountable, METH_VARARGS, "wait_unmountable(timeout_ns)."},
	{"stop", mount_stop, METH_VARARGS, "stop(unmount_ns, busy_ns, term_ns, kill_ns)."},
	{"abort", mount_abort, METH_NOARGS, "Whether the connection was aborted."},
	{"stacks", mount_stacks, METH_VARARGS, "stacks(on_hang): kernel stacks as text."},
	{"status", mount_status, METH_NOARGS, "The wait status of the first process, or None."},
	{"pids", mount_pids, METH_NOARGS, "The daemon's processes that run."},
	{"holders", mount_holders, METH_NOARGS, "[(pid, comm, what, path)]"},
	{NULL},
};

static PyGetSetDef properties[] = {
	{.name = "pid", .get = mount_get_pid},
	{.name = "connection", .get = mount_get_connection},
	{NULL},
};

static PyType_Slot slots[] = {
	{Py_tp_new, mount_new},
	{Py_tp_dealloc, mount_dealloc},
	{Py_tp_methods, methods},
	{Py_tp_getset, properties},
	{0, NULL},
};

PyType_Spec core_mount_spec = {
	.name = "fusetrace._core.Mount",
	.basicsize = sizeof(struct core_mount),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = slots,
};
