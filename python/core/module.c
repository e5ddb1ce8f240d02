/* SPDX-License-Identifier: MIT */
/* The module: its types, its constants and the few functions that belong to no object. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "core.h"

/* The names that a match accepts, in alphabetical order. */
static PyObject *op_names(PyObject *module, PyObject *unused)
{
	PyObject *list = PyList_New(0);
	const char *name = NULL;

	while (list && (name = fusetrace_op_name_next(name))) {
		PyObject *item = PyUnicode_FromString(name);

		if (!item || PyList_Append(list, item) < 0)
			Py_CLEAR(list);
		Py_XDECREF(item);
	}
	return list;
}

/* The keys of the JSON form by number of the field. */
static PyObject *field_names(PyObject *module, PyObject *unused)
{
	PyObject *list = PyList_New(0);

	for (uint32_t field = 0; list && field < FUSETRACE_FIELDS; field++) {
		PyObject *item = PyUnicode_FromString(fusetrace_field_name(field));

		if (!item || PyList_Append(list, item) < 0)
			Py_CLEAR(list);
		Py_XDECREF(item);
	}
	return list;
}

/* check_match(tuple): raises what the library has against it. */
static PyObject *check_match(PyObject *module, PyObject *tuple)
{
	PyObject *sequence = PyTuple_Pack(1, tuple);
	struct fusetrace_error error = {0};
	struct core_matches matches;
	int r;

	if (!sequence)
		return NULL;
	if (!core_matches_init(&matches, sequence)) {
		Py_DECREF(sequence);
		return NULL;
	}
	r = fusetrace_match_check(matches.pointers[0], &error);
	core_matches_done(&matches);
	Py_DECREF(sequence);
	if (r < 0)
		return core_raise(r, &error);
	Py_RETURN_NONE;
}

/* unmount(path, flags): umount2(2) */
static PyObject *unmount(PyObject *module, PyObject *args)
{
	const char *path;
	int flags, r;

	if (!PyArg_ParseTuple(args, "yi", &path, &flags))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = umount2(path, flags);
	Py_END_ALLOW_THREADS
	if (r < 0)
		return PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
	Py_RETURN_NONE;
}

/* mountpoint_of(pid): bytes, or None */
static PyObject *mountpoint_of(PyObject *module, PyObject *args)
{
	char *mountpoint;
	PyObject *bytes;
	int pid, r;

	if (!PyArg_ParseTuple(args, "i", &pid))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_mountpoint_of(pid, &mountpoint);
	Py_END_ALLOW_THREADS
	if (r == -ENOENT || r == -ESRCH)
		Py_RETURN_NONE;
	if (r < 0)
		return core_raise(r, NULL);
	bytes = PyBytes_FromString(mountpoint);
	free(mountpoint);
	return bytes;
}

/* ---- the guardian ---- */

static PyObject *number_or_error(int r)
{
	if (r < 0) {
		errno = -r;
		return PyErr_SetFromErrno(PyExc_OSError);
	}
	return PyLong_FromLong(r);
}

/* set_guardian(program): where it is */
static PyObject *set_guardian(PyObject *module, PyObject *args)
{
	const char *program;

	if (!PyArg_ParseTuple(args, "y", &program))
		return NULL;
	return number_or_error(fusetrace_set_guardian(program));
}

/* guard_mount(mountpoint, mark): number of the entry */
static PyObject *guard_mount(PyObject *module, PyObject *args)
{
	const char *mountpoint, *mark;
	int r;

	if (!PyArg_ParseTuple(args, "yy", &mountpoint, &mark))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_guard_mount(mountpoint, mark);
	Py_END_ALLOW_THREADS
	return number_or_error(r);
}

/* guard_mounted(entry, connection, identity) */
static PyObject *guard_mounted(PyObject *module, PyObject *args)
{
	unsigned long long identity;
	unsigned int connection;
	int entry, r;

	if (!PyArg_ParseTuple(args, "iIK", &entry, &connection, &identity))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_guard_mounted(entry, connection, identity);
	Py_END_ALLOW_THREADS
	return number_or_error(r);
}

/* guard_directory(path): number of the entry */
static PyObject *guard_directory(PyObject *module, PyObject *args)
{
	const char *path;
	int r;

	if (!PyArg_ParseTuple(args, "y", &path))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = fusetrace_guard_directory(path);
	Py_END_ALLOW_THREADS
	return number_or_error(r);
}

/* guard_forget(entry) */
static PyObject *guard_forget(PyObject *module, PyObject *args)
{
	int entry;

	if (!PyArg_ParseTuple(args, "i", &entry))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	fusetrace_guard_forget(entry);
	Py_END_ALLOW_THREADS
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"op_names", op_names, METH_NOARGS, "The names that a match accepts."},
	{"field_names", field_names, METH_NOARGS, "The keys of the JSON form, by number."},
	{"check_match", check_match, METH_O, "Raises ValueError for a match that is none."},
	{"smart_wait", core_smart_wait, METH_VARARGS,
	 "smart_wait(monitor, kind, mark, path, name, flags, timeout_ns) -> proof."},
	{"poll", core_poll, METH_VARARGS, "poll(descriptors, timeout_ns): until one is readable."},
	{"unmount", unmount, METH_VARARGS, "unmount(path, flags): umount2(2)."},
	{"mountpoint_of", mountpoint_of, METH_VARARGS,
	 "mountpoint_of(pid): of the mount that it serves, or None."},
	{"set_guardian", set_guardian, METH_VARARGS, "set_guardian(program)."},
	{"guard_mount", guard_mount, METH_VARARGS, "guard_mount(mountpoint, mark): an entry."},
	{"guard_mounted", guard_mounted, METH_VARARGS,
	 "guard_mounted(entry, connection, identity)."},
	{"guard_directory", guard_directory, METH_VARARGS, "guard_directory(path): an entry."},
	{"guard_forget", guard_forget, METH_VARARGS, "guard_forget(entry)."},
	{NULL},
};

static bool add_type(PyObject *module, const char *name, PyType_Spec *spec, PyTypeObject **ret_type)
{
	PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);

	if (!type)
		return false;
	*ret_type = (PyTypeObject *)type; /* the state's reference */
	Py_INCREF(type);
	if (PyModule_AddObject(module, name, type) == 0)
		return true;
	Py_DECREF(type);
	return false;
}

static int module_exec(PyObject *module)
{
	struct core_state *state = PyModule_GetState(module);

	if (!add_type(module, "Operation", &core_operation_spec, &state->operation_type) ||
	    !add_type(module, "Monitor", &core_monitor_spec, &state->monitor_type) ||
	    !add_type(module, "Expect", &core_expect_spec, &state->expect_type) ||
	    !add_type(module, "Mount", &core_mount_spec, &state->mount_type))
		return -1;
	if (PyModule_AddStringConstant(module, "version", fusetrace_version()) < 0 ||
	    PyModule_AddIntConstant(module, "MNT_DETACH", MNT_DETACH) < 0)
		return -1;
	return 0;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
	struct core_state *state = PyModule_GetState(module);

	Py_VISIT(state->operation_type);
	Py_VISIT(state->monitor_type);
	Py_VISIT(state->expect_type);
	Py_VISIT(state->mount_type);
	return 0;
}

static int module_clear(PyObject *module)
{
	struct core_state *state = PyModule_GetState(module);

	Py_CLEAR(state->operation_type);
	Py_CLEAR(state->monitor_type);
	Py_CLEAR(state->expect_type);
	Py_CLEAR(state->mount_type);
	return 0;
}

static void module_free(void *module)
{
	module_clear(module);
}

static PyModuleDef_Slot slots[] = {
	{Py_mod_exec, module_exec},
#ifdef Py_GIL_DISABLED
	{Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
	{0, NULL},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "fusetrace._core",
	.m_doc = "The library underneath; use the classes of fusetrace.",
	.m_size = sizeof(struct core_state),
	.m_methods = functions,
	.m_slots = slots,
	.m_traverse = module_traverse,
	.m_clear = module_clear,
	.m_free = module_free,
};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void)
{
	return PyModuleDef_Init(&definition);
}
