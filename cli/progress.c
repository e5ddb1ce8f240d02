/* SPDX-License-Identifier: MIT */
/* See progress.h. */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "message.h"

#define FIRST_NS (500 * UINT64_C(1000000)) /* what takes no longer needs no such line */
#define AGAIN_NS (100 * UINT64_C(1000000))

void progress_begin(struct progress *progress, bool is_wanted)
{
	*progress = (struct progress){
		.is_wanted = is_wanted && isatty(STDERR_FILENO),
		.next_ns = ft_now_ns() + FIRST_NS,
	};
}

void progress_show(struct progress *progress, uint64_t done, uint64_t size)
{
	uint64_t now;

	if (!progress->is_wanted || !size)
		return;
	now = ft_now_ns();
	if (now < progress->next_ns)
		return;
	progress->next_ns = now + AGAIN_NS;
	progress->is_shown = true;
	if (done > size) /* it has grown */
		done = size;
	fprintf(stderr, "\rfusetrace: %3u %% read", (unsigned int)(done * 100.0 / size));
}

void progress_end(struct progress *progress)
{
	if (progress->is_shown)
		fputs("\r\033[K", stderr);
	progress->is_shown = false;
}
