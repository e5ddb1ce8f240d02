/* SPDX-License-Identifier: MIT */
/* The formats by name, each in its own file; for the list of them (format.h) and for their tests. */
#ifndef FT_FORMATS_FORMATS_H
#define FT_FORMATS_FORMATS_H

#include "format.h"

extern const struct ft_format ft_format_libfuse;
extern const struct ft_format ft_format_fuser;
extern const struct ft_format ft_format_fusepy;
extern const struct ft_format ft_format_encfs;
extern const struct ft_format ft_format_s3fs;
extern const struct ft_format ft_format_unionfs;
extern const struct ft_format ft_format_go_fuse;
extern const struct ft_format ft_format_mergerfs;
extern const struct ft_format ft_format_fusetrace;
extern const struct ft_format ft_format_tracing;
extern const struct ft_format ft_format_tracing_pretty;
extern const struct ft_format ft_format_tracing_json;
extern const struct ft_format ft_format_bazil;
extern const struct ft_format ft_format_jacobsa;
extern const struct ft_format ft_format_sshfs;
extern const struct ft_format ft_format_juicefs;

#endif
