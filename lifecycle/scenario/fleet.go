package scenario

import "math"

// cohort is devices that were bought together.
type cohort struct {
	born, dies float64 // years from the start
	n          float64
	made, gone figures // of one device
}

// counts is how many devices a fleet has in each year.
func (m *model) counts(x []float64, i int, o *outcome) {
	f := &m.fleets[i]
	for y := range m.years {
		n := 0.0
		switch {
		case f.asNeeded:
			n = math.Ceil(o.busy[i][y]/(year*m.at(x, f.busiest, y)) - 1e-9)
		case !f.rented:
			n = m.at(x, f.count, y) * m.growth(x, f.growth, y)
			if f.each >= 0 {
				n *= o.count[f.each][y]
			}
		}
		o.count[i][y] = n
	}
}

// impacts are what one device costs to make and to discard.
func (m *model) impacts(x []float64, f *fleet, y int) (made, gone figures) {
	made[gco2e], gone[gco2e] = m.at(x, f.production, y), m.at(x, f.endOfLife, y)
	if f.transport != none {
		made[gco2e] += m.at(x, f.transport, y)
	}
	if f.price != none {
		made[cost] = m.at(x, f.price, y)
	}
	return made, gone
}

// rent is a fleet of which only what is used is paid: of the production and end
// of life of its devices the part that the time used is of the time that they
// are in use in their lives.
func (m *model) rent(x []float64, i int, o *outcome) {
	f := &m.fleets[i]
	for y := range m.years {
		made, gone := m.impacts(x, f, y)
		lives := o.busy[i][y] / (m.at(x, f.lifetime, y) * m.at(x, f.utilisation, y))
		if f.rent != none {
			rent := m.at(x, f.rent, y) * o.busy[i][y] / 3600
			o.flow[y][production][cost] += rent
			o.used[y][production][cost] += rent
			o.parts[i][production][cost] += rent
		}
		o.flow[y][production].add(lives, &made)
		o.flow[y][endOfLife].add(lives, &gone)
		m.use(i, y, lives, &made, &gone, o)
	}
}

// use books a part of the life of devices.
func (m *model) use(i, y int, lives float64, made, gone *figures, o *outcome) {
	o.used[y][production].add(lives, made)
	o.used[y][endOfLife].add(lives, gone)
	o.parts[i][production].add(lives, made)
	o.parts[i][endOfLife].add(lives, gone)
}

// own is a fleet that is bought. At the begin of each year as many devices are
// bought as are needed beyond those that there are, or the oldest are discarded
// of which there are too many; devices whose life ends within a year are
// replaced at once, and so all year long there are as many as are needed.
func (m *model) own(x []float64, i int, o *outcome) {
	f := &m.fleets[i]
	var alive []cohort
	buy := func(born, n float64, paid bool, y int) {
		made, gone := m.impacts(x, f, y)
		c := cohort{born, born + m.at(x, f.lifetime, y)/year, n, made, gone}
		if paid {
			l := lump{at: born, part: i, phase: production}
			l.add(n, &made)
			o.lumps = append(o.lumps, l)
		}
		alive = append(alive, c)
	}
	discard := func(k int, n, at float64) {
		l := lump{at: at, part: i, phase: endOfLife}
		l.add(n, &alive[k].gone)
		o.lumps = append(o.lumps, l)
	}
	if f.age != none {
		buy(-m.at(x, f.age, 0)/year, o.count[i][0], false, 0)
		if alive[0].dies <= moment { // they have outlived it, and end with the first night
			discard(0, alive[0].n, 2*moment)
			alive = alive[:0]
		}
	}
	for y := range m.years {
		begin, end := float64(y), float64(y+1)
		there := 0.0
		for _, c := range alive {
			there += c.n
		}
		need := o.count[i][y]
		for k := 0; k < len(alive) && there > need*(1+1e-12); { // the oldest first
			n := min(alive[k].n, there-need)
			discard(k, n, begin+2*moment)
			// What they were not used for is used up now.
			rest := n * (alive[k].dies - begin) / (alive[k].dies - alive[k].born)
			m.use(i, y, rest, &alive[k].made, &alive[k].gone, o)
			there -= n
			if alive[k].n -= n; alive[k].n > 0 {
				break
			}
			alive = append(alive[:k], alive[k+1:]...)
		}
		if need > there*(1+1e-12) {
			buy(begin, need-there, true, y)
		}
		for k := 0; k < len(alive); k++ { // what is bought here is looked at too
			c := alive[k]
			from, to := max(c.born, begin), min(c.dies, end)
			m.use(i, y, c.n*(to-from)/(c.dies-c.born), &c.made, &c.gone, o)
			if c.dies > end+moment {
				continue
			}
			discard(k, c.n, c.dies)
			if c.dies < end-moment {
				buy(c.dies, c.n, true, y)
			}
			alive[k].n = 0
		}
		kept := alive[:0]
		for _, c := range alive {
			if c.n > 0 {
				kept = append(kept, c)
			}
		}
		alive = kept

		joules := need * year * m.at(x, f.idle, y)
		if f.duty != none {
			duty := m.at(x, f.duty, y)
			joules = need * year * (m.at(x, f.active, y)*duty + m.at(x, f.idle, y)*(1-duty))
		}
		if joules > 0 {
			e := m.operate(x, &f.place, y, joules, m.intensity(x, &f.place, y))
			o.flow[y][f.phase].add(1, &e)
			o.parts[i][f.phase].add(1, &e)
		}
	}
	for _, c := range alive {
		o.left.add(c.n*(c.dies-float64(m.years))/(c.dies-c.born), &c.made)
		o.owed.add(c.n*(float64(m.years)-c.born)/(c.dies-c.born), &c.gone)
	}
}
