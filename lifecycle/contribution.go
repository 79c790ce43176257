package lifecycle

// contribution is what one row adds to the figures of its record.
type contribution struct {
	stage Stage
	usage *Usage
	columns
}

// contributions are those of all rows of the stages that keep says, as the
// record tells them.
func (b *basis) contributions(keep func(Stage) bool) (all []contribution, err error) {
	for i := range b.record.Phases {
		p := &b.record.Phases[i]
		if !keep(p.Stage) {
			continue
		}
		hourly := map[*place]float64{}
		for j := range p.Usage {
			c := contribution{stage: p.Stage, usage: &p.Usage[j]}
			if p.Stage.Device() {
				share, err := b.deviceRow(i, j)
				if err != nil {
					return nil, err
				}
				c.columns = *share
			} else if err := b.addRow(&c.columns, i, j, hourly); err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// totals are the figures of the whole record and of its stages, as its rows have
// them.
func (b *basis) totals() (total *columns, stages []*columns, err error) {
	stages = make([]*columns, len(b.record.Phases))
	for i := range stages {
		if stages[i], err = b.stage(i); err != nil {
			return nil, nil, err
		}
	}
	return b.sum(stages, func(*PhaseEntry) bool { return true }), stages, nil
}
