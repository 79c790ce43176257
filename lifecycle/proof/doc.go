// Package proof signs records and verifies them: who vouches for a record, for
// which files it is of, and whether its figures hold.
//
// What is signed is an in-toto Statement v1 whose predicate is the record, in
// the canonical form of RFC 8785 ([lifecycle.Record.Canonical]), and whose
// subjects are the files that the record is of, such as those of a model, by
// name and SHA-256. It travels in a DSSE envelope with Ed25519 signatures. All
// of these are formats of others, so that their tools verify it too, and none
// of them changes the record's own file: the envelope is a file beside it.
//
//	in-toto Statement v1   github.com/in-toto/attestation, spec/v1/statement.md
//	DSSE v1.0.2            github.com/secure-systems-lab/dsse, protocol.md and envelope.md
//	Ed25519                RFC 8032; keys as PKCS#8 and SPKI in PEM (RFC 8410)
//
// The canonical form has neither white space nor an order of its own, and not
// the record's integrity member, which follows from it. So a record that was
// laid out anew, sealed or unsealed since still is the record that was signed,
// and its digest ([lifecycle.Record.SHA256]) is that of the predicate's bytes.
//
// [Verify] tells each thing that can be wrong apart from the others, and all of
// them at once: the envelope, the signature, the form of the record, its
// arithmetic, the record's file, and the files that it is of. What nobody
// vouches for is never called good.
package proof
