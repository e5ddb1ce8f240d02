/* SPDX-License-Identifier: MIT */
/* Pieces of JSON by the rules of docs/json.md, for whatever else the command tells as JSON. */
#ifndef CLI_VIEWS_JSON_H
#define CLI_VIEWS_JSON_H

#include <stdint.h>

#include "base/bytes.h"

struct output;

/* Each writes ,"key":value; nothing is written for absent bytes. */
void json_put_number(struct output *output, const char *key, uint64_t number);
/* Bytes that are no UTF-8 are given as key_bytes in base64 beside a lossy text. */
void json_put_name(struct output *output, const char *key, struct ft_bytes name);

#endif
