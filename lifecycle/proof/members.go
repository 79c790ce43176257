package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxMembers is how many members an object may have. Those of an envelope and of
// a statement have a few, and what others add to them is not kept by the million.
const maxMembers = 1000

// members are the members of a JSON object, each once and by its exact name.
// encoding/json would keep the last of two and take names in any case, by which
// two readers of one document could see different things.
func members(text []byte) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := opens(dec, '{', "an object"); err != nil {
		return nil, err
	}
	all := map[string]json.RawMessage{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, syntax(err)
		}
		if len(all) == maxMembers {
			return nil, fmt.Errorf("it has more than %d members", maxMembers)
		}
		name := t.(string) // or the decoder had failed
		if _, twice := all[name]; twice {
			return nil, fmt.Errorf("the member %q is there twice", name)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, syntax(err)
		}
		all[name] = value
	}
	return all, closes(dec, text)
}

// each goes through the entries of a JSON list.
func each(text []byte, f func(i int, entry json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := opens(dec, '[', "a list"); err != nil {
		return err
	}
	for i := 0; dec.More(); i++ {
		var entry json.RawMessage
		if err := dec.Decode(&entry); err != nil {
			return syntax(err)
		}
		if err := f(i, entry); err != nil {
			return err
		}
	}
	return closes(dec, text)
}

func opens(dec *json.Decoder, bracket json.Delim, what string) error {
	switch t, err := dec.Token(); {
	case err != nil:
		return syntax(err)
	case t != bracket:
		return errors.New("it is not " + what)
	}
	return nil
}

func closes(dec *json.Decoder, text []byte) error {
	if _, err := dec.Token(); err != nil {
		return syntax(err)
	}
	if len(bytes.TrimLeft(text[dec.InputOffset():], " \t\r\n")) > 0 {
		return errors.New("something follows its end")
	}
	return nil
}

func syntax(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut short")
	}
	return fmt.Errorf("it is not JSON: %w", err)
}

// text is the text that a member holds.
func text(of map[string]json.RawMessage, name string) (string, error) {
	raw, ok := of[name]
	if !ok {
		return "", fmt.Errorf("the member %q is absent", name)
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", fmt.Errorf("the member %q is not a text", name)
	}
	return s, nil
}
