package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"strings"

	"github.com/ecotracer/ecotracer/lifecycle/proof"
)

func declareKeygen(c *cli, flags *flag.FlagSet) func([]string) int {
	asJSON := flags.Bool("json", false, "")
	return func(files []string) int {
		if len(files) != 1 {
			return c.usage("keygen", "it makes one key; write `ecotracer keygen FILE`, such as team.key")
		}
		return c.keygen(files[0], *asJSON)
	}
}

// keygen makes a key to sign records with.
func (c *cli) keygen(file string, asJSON bool) int {
	public, err := proof.CreateKey(file)
	if err != nil {
		if path := (*os.PathError)(nil); errors.As(err, &path) && errors.Is(err, os.ErrExist) {
			c.complain("keygen", "%s: it is there already; a key that is overwritten is lost, so give another name", path.Path)
		} else {
			c.complain("keygen", "%s: it cannot be written (%s)", file, cause(err))
		}
		return exitFound
	}
	id := proof.KeyID(public)
	if asJSON {
		return c.json(map[string]string{"key": id, "private": file, "public": file + ".pub"})
	}
	tell(c.out, file+": private key; keep it to yourself")
	tell(c.out, file+".pub: public key; hand it to whoever is to verify")
	tell(c.out, "key "+id)
	return exitOK
}

// said is an error of package proof in the words of the command line.
func said(err error) string {
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		return path.Path + ": " + reason(err)
	}
	return strings.ReplaceAll(strings.TrimPrefix(bare(err), "proof: "), "read key: ", "")
}

// content reads a file of the size of a key, or standard input for "-".
func (c *cli) content(file string) ([]byte, error) {
	in, err := c.open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(io.LimitReader(in, 64<<10))
}
