/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target of what the guardian reads: records from files, and packets of its owner. The first byte
 * chooses: p packets, e entries of a record, else a record. Aborts when something is read that must not
 * be acted on: a path that is not absolute, a mark that is not ours, an owner that is no process; or
 * when it is not read again as it was written.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "record_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(3): a release build must check as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static void check_leftovers(const struct leftovers *leftovers)
{
	ft_list_foreach (node, &leftovers->list) {
		const struct leftover *leftover = FT_CONTAINER(node, struct leftover, node);

		REQUIRE(leftover->path && leftover->path[0] == '/');
		REQUIRE(strlen(leftover->path) < FT_GUARDIAN_PATH_MAX);
		REQUIRE(leftover->mark[0] == '\0' || ft_guardian_is_mark(leftover->mark));
		REQUIRE(strnlen(leftover->problem, sizeof(leftover->problem)) <
			sizeof(leftover->problem));
		REQUIRE(!leftover->is_done && !leftover->is_harmful);
	}
}

static bool is_same(const struct leftover *one, const struct leftover *other)
{
	return one->number == other->number && one->is_directory == other->is_directory &&
	       strcmp(one->path, other->path) == 0 &&
	       (one->is_directory
			? one->device == other->device && one->inode == other->inode &&
				  one->born_ns == other->born_ns
			: strcmp(one->mark, other->mark) == 0 &&
				  one->connection == other->connection &&
				  one->identity == other->identity &&
				  one->mount_id == other->mount_id && one->before == other->before);
}

/* What is in it is written, and read again as it was. */
static void check_record(struct record *record)
{
	char *text = record_to_text(record);
	struct record again = {0};
	struct ft_list *node;

	REQUIRE(text);
	leftovers_init(&again.leftovers);
	REQUIRE(record_of_text(text, strlen(text), &again));
	REQUIRE(!again.is_of_other_boot && again.owner.pid == record->owner.pid &&
		again.owner.start_ticks == record->owner.start_ticks);
	node = again.leftovers.list.next;
	ft_list_foreach (one, &record->leftovers.list) {
		REQUIRE(node != &again.leftovers.list);
		REQUIRE(is_same(FT_CONTAINER(one, struct leftover, node),
				FT_CONTAINER(node, struct leftover, node)));
		node = node->next;
	}
	REQUIRE(node == &again.leftovers.list);
	leftovers_done(&again.leftovers);
	free(text);
}

static void try_record(const char *text, size_t size)
{
	struct record record = {0};

	leftovers_init(&record.leftovers);
	if (record_of_text(text, size, &record)) {
		REQUIRE(record.owner.pid > 0);
		check_leftovers(&record.leftovers);
		check_record(&record);
	}
	leftovers_done(&record.leftovers);
}

/* A corpus cannot know boot and namespaces of here: entries are tried in a record that does. */
static void try_entries(const char *entries, size_t size)
{
	struct record record = {.owner = {1, 1}};
	char *text, *whole;
	size_t head;

	leftovers_init(&record.leftovers);
	text = record_to_text(&record);
	REQUIRE(text && strstr(text, "[]}"));
	head = strlen(text) - 2; /* all before "]}" */
	whole = malloc(head + size + 2);
	REQUIRE(whole);
	memcpy(whole, text, head);
	memcpy(whole + head, entries, size);
	memcpy(whole + head + size, "]}", 2);
	try_record(whole, head + size + 2);
	free(whole);
	free(text);
	leftovers_done(&record.leftovers);
}

/* Packets, each behind two bytes of its length. */
static void try_packets(const uint8_t *data, size_t size)
{
	struct record record = {.owner = {1, 1}};
	uint64_t image = 0;

	leftovers_init(&record.leftovers);
	while (size >= 2) {
		size_t length = (size_t)data[0] | (size_t)data[1] << 8;
		void *packet;

		data += 2;
		size -= 2;
		length = length < size ? length : size;
		packet = malloc(length ? length : 1); /* of the exact size */
		REQUIRE(packet);
		memcpy(packet, data, length);
		message_take(packet, length, &record.leftovers, &image);
		free(packet);
		data += length;
		size -= length;
	}
	check_leftovers(&record.leftovers);
	check_record(&record);
	leftovers_done(&record.leftovers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] == 'p') {
		try_packets(data + 1, size - 1);
	} else if (data[0] == 'e') {
		try_entries((const char *)data + 1, size - 1);
	} else {
		try_record((const char *)data, size);
	}
	return 0;
}
