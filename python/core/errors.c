/* SPDX-License-Identifier: MIT */
/* The one place where what the library says becomes an exception. */
#include <errno.h>
#include <stdbool.h>

#include "core.h"

static void raise_as(int code, const char *text, const char *verdict, const char *json)
{
	PyObject *module = PyImport_ImportModule("fusetrace.errors");
	PyObject *exception = NULL;

	if (module)
		exception = PyObject_CallMethod(module, "make", "iyzz", code, text, verdict, json);
	if (exception)
		PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
	Py_XDECREF(exception);
	Py_XDECREF(module);
}

PyObject *core_raise(int code, const struct fusetrace_error *error)
{
	const char *text = error && error->text[0] ? error->text : fusetrace_strerror(code);

	if (PyErr_Occurred())
		return NULL; /* a check function's own */
	raise_as(code, text, NULL, NULL);
	return NULL;
}

PyObject *core_raise_report(int code, struct fusetrace_report *report)
{
	if (!PyErr_Occurred() && report)
		raise_as(code, fusetrace_report_text(report),
			 fusetrace_verdict_name(fusetrace_report_verdict(report)),
			 fusetrace_report_json(report));
	else
		core_raise(code, NULL);
	fusetrace_report_free(report);
	return NULL;
}
