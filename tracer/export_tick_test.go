package tracer

import "time"

// Tick reads and books all meters of a run's ledger once.
func Tick(r *Run) { r.ledger.tick(false) }

// Second is what the sampler does each second: it settles, and looks at what is
// expected and budgeted.
func Second(r *Run) {
	r.ledger.tick(true)
	if r.planned {
		r.ledger.foresee(time.Second)
	}
}

// Spend says of the last budget of a run that it is spent, as if the sampler had just
// found so; end is what happens meanwhile.
func Spend(r *Run, end func()) {
	b := r.budgets[len(r.budgets)-1]
	end()
	r.tellBudget(b, &BudgetError{Path: b.account.path, Unit: "J", Limit: 1, Used: 1, Spent: true})
}
