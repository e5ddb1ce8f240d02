/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef FT_BPF_BOUND_H
#define FT_BPF_BOUND_H

/* Keeps the compiler from undoing a bound that the verifier needs to see. */
#define BOUND(value, max)                                                                          \
	({                                                                                         \
		__u64 bounded_ = (value);                                                          \
		asm volatile("" : "+r"(bounded_));                                                 \
		if (bounded_ > (max))                                                              \
			bounded_ = (max);                                                          \
		bounded_;                                                                          \
	})

#endif
