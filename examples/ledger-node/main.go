// Command ledger-node is a small network of a distributed ledger, by proof of
// stake: in each slot the validator that a lottery by stake chooses puts signed
// transactions into a block, the others check every signature and vote, and a block
// that two thirds of the stake have voted for is final. It tells what a transaction
// took.
//
// The signatures are true ones (Ed25519), and so are the hashes; the network is
// made of channels, and every validator is honest. All validators are in this
// process, so that the record is of all of them; a true node would be one, and its
// record of one (node_role, stake_share).
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"sync"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/tracer"
)

const perBlock = 100 // transactions

func main() {
	validators := flag.Int("validators", 8, "of the network")
	slots := flag.Int("slots", 20, "in each of which a block is made")
	flag.Parse()
	if _, _, err := run(context.Background(), *validators, *slots, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run traces the network for some slots and tells what a transaction took. The
// head of the chain is the same for the same network.
func run(ctx context.Context, validators, slots int, out io.Writer, opts ...tracer.Option) (head [32]byte, record *lifecycle.Record, err error) {
	if validators < 1 || slots < 1 {
		return head, nil, errors.New("-validators and -slots are at least 1")
	}
	ctx, run, err := tracer.Begin(ctx, append(opts, tracer.Named("ledger-node"), tracer.Technology(technology(validators, slots)),
		tracer.UseCase(lifecycle.UseCase{Purpose: "keep accounts that nobody keeps alone", FunctionalUnit: &lifecycle.FunctionalUnit{Unit: "transactions", Path: "operate"}}))...)
	if err != nil {
		log.Print(err) // the run measures all the same
	}
	head, workErr := operate(ctx, newNetwork(validators), slots)
	run.Fail(workErr)
	record, err = run.End()
	if workErr == nil {
		fmt.Fprintf(out, "%d blocks of %d transactions, agreed on by %d validators; the head of the chain is %x…\n", slots, perBlock, validators, head[:6])
	}
	e := record.Totals.EnergyJ
	fmt.Fprintf(out, "%.2f J (95 %%: %.2f to %.2f), %s\n", e.Value, e.Low, e.High, e.Method)
	if u := record.Totals.PerUnit; u != nil {
		fmt.Fprintf(out, "%.2g µgCO2e a transaction (95 %%: %.2g to %.2g)\n", 1e6*u.GCO2e.Value, 1e6*u.GCO2e.Low, 1e6*u.GCO2e.High)
	}
	return head, record, errors.Join(workErr, err)
}

func technology(validators, slots int) lifecycle.Technology {
	of := func(n int) *int64 { v := int64(n); return &v }
	all := 1.0
	return lifecycle.Technology{Kind: "dlt", DLT: &lifecycle.DLT{
		Network: "example", Consensus: &lifecycle.Consensus{Family: "proof-of-stake", Mechanism: "lottery by stake, final by two thirds"},
		NodeRole: "validator", Nodes: of(validators), Blocks: of(slots), Transactions: of(slots * perBlock), StakeShare: &all,
	}}
}

// network is its validators and who else has an account.
type network struct {
	validators []*validator
	stake      uint64
	payer      ed25519.PrivateKey
}

// validator is one that has put up a stake.
type validator struct {
	key   ed25519.PrivateKey
	stake uint64
	head  [32]byte // of its chain
	paid  uint64   // by all transactions in it
}

// newNetwork makes keys from the numbers of their owners: no secrets are kept.
func newNetwork(validators int) *network {
	key := func(n uint64) ed25519.PrivateKey {
		seed := sha256.Sum256(binary.LittleEndian.AppendUint64(nil, n))
		return ed25519.NewKeyFromSeed(seed[:])
	}
	n := &network{payer: key(0)}
	for i := range validators {
		v := &validator{key: key(uint64(i + 1)), stake: uint64(32 + i)}
		n.validators = append(n.validators, v)
		n.stake += v.stake
	}
	return n
}

// transaction pays an amount.
type transaction struct {
	amount    uint64
	signature []byte
}

// block is what a validator proposes.
type block struct {
	slot         uint64
	parent       [32]byte
	transactions []transaction
}

func (b *block) hash() [32]byte {
	text := binary.LittleEndian.AppendUint64(b.parent[:], b.slot)
	for _, t := range b.transactions {
		text = append(binary.LittleEndian.AppendUint64(text, t.amount), t.signature...)
	}
	return sha256.Sum256(text)
}

// message is what is signed of a transaction: no other slot may use it again.
func message(slot, n, amount uint64) []byte {
	text := binary.LittleEndian.AppendUint64(nil, slot)
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(text, n), amount)
}

// operate runs the network for some slots: use/operation, and so is all below, as
// nothing there has a name of another stage.
func operate(ctx context.Context, n *network, slots int) (head [32]byte, err error) {
	ctx, span := tracer.Start(ctx, "operate")
	defer span.End()
	defer func() { span.Fail(err) }()
	span.Expect("slot", slots)
	for slot := range uint64(slots) {
		err := tracer.Do(ctx, "slot", func(ctx context.Context) error { return n.slot(ctx, slot, n.pay(ctx, slot)) })
		if err != nil {
			return head, fmt.Errorf("slot %d: %w", slot, err)
		}
		span.Count("transactions", perBlock)
	}
	return n.validators[0].head, nil
}

// pay is what those who use the network sign.
func (n *network) pay(ctx context.Context, slot uint64) []transaction {
	_, span := tracer.Start(ctx, "sign")
	defer span.End()
	all := make([]transaction, perBlock)
	for i := range all {
		amount := 1 + (slot*perBlock+uint64(i))%97
		all[i] = transaction{amount, ed25519.Sign(n.payer, message(slot, uint64(i), amount))}
	}
	return all
}

// slot makes one block, or fails if too few vote for it.
func (n *network) slot(ctx context.Context, slot uint64, all []transaction) error {
	leader := n.leader(slot)
	_, span := tracer.Start(ctx, "propose")
	b := &block{slot: slot, parent: leader.head, transactions: all}
	hash := b.hash()
	span.End()

	votes := make(chan uint64, len(n.validators))
	var checking sync.WaitGroup
	for _, v := range n.validators {
		checking.Go(func() {
			_, span := tracer.Start(ctx, "check")
			defer span.End()
			if signature, ok := v.vote(n, b); ok && ed25519.Verify(v.key.Public().(ed25519.PublicKey), hash[:], signature) {
				votes <- v.stake
			}
		})
	}
	checking.Wait()
	close(votes)
	var voted uint64
	for stake := range votes {
		voted += stake
	}
	if 3*voted < 2*n.stake {
		return fmt.Errorf("%d of a stake of %d voted for the block, want two thirds", voted, n.stake)
	}
	for _, v := range n.validators {
		v.head = hash
		for _, t := range all {
			v.paid += t.amount
		}
	}
	return nil
}

// leader is drawn by stake from the hash of the slot and the chain.
func (n *network) leader(slot uint64) *validator {
	head := n.validators[0].head
	lot := sha256.Sum256(binary.LittleEndian.AppendUint64(head[:], slot))
	at := binary.LittleEndian.Uint64(lot[:]) % n.stake
	for _, v := range n.validators {
		if at < v.stake {
			return v
		}
		at -= v.stake
	}
	return n.validators[0]
}

// vote is a validator's signature of a block on its chain whose transactions are
// all signed.
func (v *validator) vote(n *network, b *block) (signature []byte, ok bool) {
	if b.parent != v.head {
		return nil, false
	}
	payer := n.payer.Public().(ed25519.PublicKey)
	for i, t := range b.transactions {
		if !ed25519.Verify(payer, message(b.slot, uint64(i), t.amount), t.signature) {
			return nil, false
		}
	}
	hash := b.hash()
	return ed25519.Sign(v.key, hash[:]), true
}
