package proof_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"

	"github.com/ecotracer/ecotracer/lifecycle"
	"github.com/ecotracer/ecotracer/lifecycle/proof"
)

func Example() {
	f, err := os.Open("../testdata/small.json")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	record, err := lifecycle.Decode(f)
	if err != nil {
		panic(err)
	}
	public, private, _ := ed25519.GenerateKey(nil)
	files, err := proof.Subjects([]string{"../testdata/small.json"}) // stands for a model here
	if err != nil {
		panic(err)
	}
	envelope, err := proof.Sign(record, files, private)
	if err != nil {
		panic(err)
	}
	var sent bytes.Buffer
	if err := envelope.Encode(&sent); err != nil {
		panic(err)
	}

	files[0].SHA256 = "00" + files[0].SHA256[2:] // whoever has it changes the model
	v, err := proof.Verify(&sent, proof.Expect{Keys: []ed25519.PublicKey{public}, Files: files})
	if err != nil {
		panic(err)
	}
	for _, c := range v.Checks {
		fmt.Println(c.Part, c.Outcome)
	}
	fmt.Println(errors.Is(v.Err(), proof.OfSubject))
	// Output:
	// envelope good
	// signature good
	// schema good
	// arithmetic good
	// record not-checked
	// subject failed
	// true
}
