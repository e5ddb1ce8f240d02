/* SPDX-License-Identifier: MIT */
/*
 * The metadata workload that all costs are measured with: ROUNDS times create, write 5 bytes,
 * close, stat, unlink. Prints the nanoseconds of each round's mean. Usage: workload DIRECTORY
 * ROUNDS
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

static int one_round(const char *directory, long round)
{
	struct stat status;
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/workload-%ld", directory, round % 100);
	fd = open(path, O_CREAT | O_RDWR, 0644);
	if (fd < 0 || write(fd, "hello", 5) != 5 || close(fd) < 0)
		return -1;
	return stat(path, &status) < 0 || unlink(path) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	long rounds = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
	uint64_t began_ns;

	if (rounds <= 0) {
		fprintf(stderr, "usage: %s DIRECTORY ROUNDS\n", argv[0]);
		return 2;
	}
	began_ns = ft_now_ns();
	for (long round = 0; round < rounds; round++) {
		if (one_round(argv[1], round) < 0) {
			perror(argv[1]);
			return 1;
		}
	}
	printf("%.0f\n", (double)(ft_now_ns() - began_ns) / (double)rounds);
	return 0;
}
