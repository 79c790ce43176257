package canonical

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the form writes, any reader of JSON reads as the text that it was.
func TestATextIsReadBackAsItWas(t *testing.T) {
	all := []rune{'a'}
	for r := rune(0); r < 0x3000; r++ {
		all = append(all, r)
	}
	for _, s := range []string{"", "plain", string(all), "\U0001f600 <&> \u2028"} {
		var back string
		require.NoError(t, json.Unmarshal(AppendText(nil, s), &back))
		assert.Equal(t, s, back)
	}
}
