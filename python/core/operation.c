/* SPDX-License-Identifier: MIT */
/* Operation: one request and its reply. Immutable; holds a reference to the library's. */
#include <stdbool.h>
#include <stdlib.h>

#include "core.h"

struct core_operation {
	PyObject_HEAD
	struct fusetrace_op *op;
};

static struct fusetrace_op *op_of(PyObject *self)
{
	return ((struct core_operation *)self)->op;
}

PyObject *core_operation_new(PyTypeObject *type, struct fusetrace_op *op)
{
	allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
	PyObject *self = alloc(type, 0);

	if (!self) {
		fusetrace_op_unref(op);
		return NULL;
	}
	((struct core_operation *)self)->op = op;
	return self;
}

PyObject *core_operation_list(PyTypeObject *type, struct fusetrace_op **ops, size_t count)
{
	PyObject *list = PyList_New((Py_ssize_t)count);

	for (size_t i = 0; i < count; i++) {
		PyObject *item = NULL;

		if (list)
			item = core_operation_new(type, ops[i]);
		else
			fusetrace_op_unref(ops[i]);
		if (item)
			PyList_SetItem(list, (Py_ssize_t)i, item);
		else
			Py_CLEAR(list);
	}
	return list;
}

static PyObject *refuse_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	PyErr_SetString(PyExc_TypeError, "operations are made by a monitor");
	return NULL;
}

static void operation_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	fusetrace_op_unref(op_of(self));
	release(self);
	Py_DECREF(type);
}

/* The number of a field; false with an exception set. */
static bool field_index(PyObject *field, uint32_t *ret_index)
{
	unsigned long index = PyLong_AsUnsignedLong(field);

	if (index == (unsigned long)-1 && PyErr_Occurred())
		return false;
	if (index > UINT32_MAX) {
		PyErr_SetString(PyExc_OverflowError, "no field has that number");
		return false;
	}
	*ret_index = (uint32_t)index;
	return true;
}

static PyObject *operation_number(PyObject *self, PyObject *field)
{
	uint64_t number;
	uint32_t index;

	if (!field_index(field, &index))
		return NULL;
	if (fusetrace_op_number(op_of(self), index, &number) < 0)
		Py_RETURN_NONE;
	return PyLong_FromUnsignedLongLong(number);
}

static PyObject *operation_bytes(PyObject *self, PyObject *field)
{
	const char *bytes;
	uint32_t index;
	size_t length;

	if (!field_index(field, &index))
		return NULL;
	if (fusetrace_op_bytes(op_of(self), index, &bytes, &length) < 0)
		Py_RETURN_NONE;
	return PyBytes_FromStringAndSize(bytes, (Py_ssize_t)length);
}

static PyObject *operation_json(PyObject *self, PyObject *unused)
{
	int length = fusetrace_op_json(op_of(self), NULL, 0);
	PyObject *bytes = length < 0 ? NULL : PyBytes_FromStringAndSize(NULL, length);

	if (length < 0)
		return core_raise(length, NULL);
	/* The object has room for the final NUL. */
	if (bytes)
		fusetrace_op_json(op_of(self), PyBytes_AsString(bytes), (size_t)length + 1);
	return bytes;
}

static PyObject *operation_name(PyObject *self, void *unused)
{
	return PyUnicode_InternFromString(fusetrace_op_name(op_of(self)));
}

static PyObject *operation_opcode(PyObject *self, void *unused)
{
	return PyLong_FromUnsignedLong(fusetrace_op_opcode(op_of(self)));
}

static PyObject *operation_status(PyObject *self, void *unused)
{
	return PyLong_FromUnsignedLong(fusetrace_op_status(op_of(self)));
}

static PyObject *operation_source(PyObject *self, void *unused)
{
	return PyLong_FromUnsignedLong(fusetrace_op_source(op_of(self)));
}

static PyObject *operation_marks(PyObject *self, void *unused)
{
	return PyLong_FromUnsignedLong(fusetrace_op_marks(op_of(self)));
}

static PyMethodDef operation_methods[] = {
	{"_number", operation_number, METH_O, "A number of a field, None when absent."},
	{"_bytes", operation_bytes, METH_O, "The bytes of a field, None when absent."},
	{"_json", operation_json, METH_NOARGS, "One JSON object without a newline."},
	{NULL},
};

static PyGetSetDef operation_getset[] = {
	{"_name", operation_name, NULL, "Name of the operation.", NULL},
	{"_opcode", operation_opcode, NULL, "The kernel's number.", NULL},
	{"_status", operation_status, NULL, "FUSETRACE_STATUS_.", NULL},
	{"_source", operation_source, NULL, "FUSETRACE_SOURCE_.", NULL},
	{"_marks", operation_marks, NULL, "FUSETRACE_OP_ bits.", NULL},
	{NULL},
};

static PyType_Slot operation_slots[] = {
	{Py_tp_doc, "One request and its reply, as the library has it."},
	{Py_tp_new, refuse_new},
	{Py_tp_dealloc, operation_dealloc},
	{Py_tp_methods, operation_methods},
	{Py_tp_getset, operation_getset},
	{0, NULL},
};

PyType_Spec core_operation_spec = {
	.name = "fusetrace._core.Operation",
	.basicsize = sizeof(struct core_operation),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.slots = operation_slots,
};
