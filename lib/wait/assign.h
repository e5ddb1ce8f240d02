/* SPDX-License-Identifier: MIT */
/*
 * Which operation answers which match, when each may answer only one: maximum bipartite matching,
 * grown by one augmenting path for each operation that arrives. First fit would fail where an
 * early match takes the only operation that a later, narrower one could have had. An operation
 * that finds no augmenting path never will, so it need not be kept; and the slots that its search
 * went through have no way out either, so that no later search need go there.
 */
#ifndef FT_ASSIGN_H
#define FT_ASSIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "op/op.h"

struct ft_assign {
	size_t slots;
	size_t filled;
	struct fusetrace_op **ops; /* by slot; a reference each, NULL: free */
	bool **fits;               /* by slot: which slots its operation fits */
	bool *visited;             /* by slot: of this search, or dead */
	bool *dead;                /* by slot: visited by a search that failed */
};

int ft_assign_init(struct ft_assign *assign, size_t slots);
void ft_assign_done(struct ft_assign *assign);

/*
 * Offers an operation and which slots it fits. 1 when it was taken (a reference is added), 0 when
 * not, -ENOMEM.
 */
int ft_assign_offer(struct ft_assign *assign, struct fusetrace_op *op, const bool *fits);
/* Puts it into that very slot, for ordered waits. */
int ft_assign_put(struct ft_assign *assign, struct fusetrace_op *op, size_t slot);

#endif
