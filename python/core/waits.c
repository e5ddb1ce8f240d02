/* SPDX-License-Identifier: MIT */
/*
 * What all waits share. A wait sleeps in the library, without the interpreter's lock; a signal ends the
 * sleep (wakeup.c), the handlers in Python run, and unless one raises the wait goes on with what is left of
 * its time. So Ctrl-C works at once, as in time.sleep() (PEP 475).
 */
#include <errno.h>

#include "base/clock.h"
#include "base/sleep.h"
#include "core.h"

void core_wait_init(struct core_wait *wait, const struct core_monitor *monitor, uint64_t timeout_ns)
{
	*wait = (struct core_wait){
		.monitor = monitor,
		.interrupts = monitor ? monitor->interrupts : 0,
		.deadline_ns = timeout_ns ? ft_deadline_ns(timeout_ns) : 0,
	};
}

uint64_t core_wait_left(const struct core_wait *wait)
{
	uint64_t now;

	if (wait->deadline_ns == 0 || wait->deadline_ns == UINT64_MAX)
		return wait->deadline_ns; /* look once; for ever */
	now = ft_now_ns();
	return wait->deadline_ns > now ? wait->deadline_ns - now : 0;
}

/* Handlers run here. */
static bool is_cancelled(const struct core_wait *wait)
{
	core_wakeup_drain(&wait->wakeup);
	return PyErr_CheckSignals() < 0 ||
	       (wait->monitor && wait->monitor->interrupts != wait->interrupts);
}

bool core_wait_sleeps(struct core_wait *wait, int *r)
{
	if (!wait->has_begun) {
		wait->has_begun = true;
		*r = -EINTR; /* of a signal that came before it is told, too */
		if (wait->deadline_ns == 0 && !wait->asks)
			return true;
		core_wakeup_begin(&wait->wakeup);
	}
	if (*r == -EINTR && !is_cancelled(wait))
		return true;
	if (*r == -EINTR)
		*r = -ECANCELED;
	core_wakeup_end(&wait->wakeup);
	return false;
}

/* ---- a wait of Python's own ---- */

/* Room for one more, of the library's. Free with PyMem_Free(); NULL with an exception set. */
static struct pollfd *make_fds(PyObject *sequence, nfds_t *ret_count)
{
	Py_ssize_t count = PySequence_Size(sequence);
	struct pollfd *fds;

	if (count < 0)
		return NULL;
	fds = PyMem_Calloc((size_t)count + 1, sizeof(*fds));
	if (!fds)
		PyErr_NoMemory();
	for (Py_ssize_t i = 0; fds && i < count; i++) {
		PyObject *item = PySequence_GetItem(sequence, i);

		fds[i] = (struct pollfd){.fd = item ? PyObject_AsFileDescriptor(item) : -1,
					 .events = POLLIN};
		Py_XDECREF(item);
		if (fds[i].fd < 0) {
			PyMem_Free(fds);
			return NULL;
		}
	}
	*ret_count = (nfds_t)count;
	return fds;
}

/* poll(descriptors, timeout_ns) -> None: until one is readable, or the time is over. */
PyObject *core_poll(PyObject *module, PyObject *args)
{
	unsigned long long timeout_ns;
	struct core_wait wait;
	struct pollfd *fds;
	PyObject *sequence;
	nfds_t count = 0;
	int r;

	if (!PyArg_ParseTuple(args, "OK", &sequence, &timeout_ns))
		return NULL;
	fds = make_fds(sequence, &count);
	if (!fds)
		return NULL;
	core_wait_init(&wait, NULL, timeout_ns);
	while (core_wait_sleeps(&wait, &r)) {
		Py_BEGIN_ALLOW_THREADS
		r = ft_sleep(fds, count, wait.deadline_ns, true);
		Py_END_ALLOW_THREADS
	}
	PyMem_Free(fds);
	if (r < 0)
		return core_raise(r, NULL);
	Py_RETURN_NONE;
}
