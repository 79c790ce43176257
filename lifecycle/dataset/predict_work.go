package dataset

import (
	"math"
	"strings"

	"github.com/ecotracer/ecotracer/internal/lognormal"
	"github.com/ecotracer/ecotracer/lifecycle"
)

// logNormal is a positive figure that is known but for a factor: its best
// estimate is exp(log), its logarithm has the standard deviation sigma.
type logNormal struct{ log, sigma float64 }

// between95 is a figure with 95 % bounds; the wider side is taken for both.
func between95(value, low, high float64) logNormal {
	if value <= 0 || low <= 0 {
		return logNormal{math.Inf(-1), 0}
	}
	return logNormal{math.Log(value), math.Log(max(high/value, value/low, 1)) / lognormal.Z95}
}

func (a logNormal) times(b logNormal) logNormal {
	return logNormal{a.log + b.log, math.Hypot(a.sigma, b.sigma)}
}

func (a logNormal) over(b logNormal) logNormal {
	return logNormal{a.log - b.log, math.Hypot(a.sigma, b.sigma)}
}

func exactly(x float64) logNormal { return logNormal{math.Log(x), 0} }

const z90 = 1.644854 // 90 % two-sided; 95 % are lognormal.Z95

// How sure the rules of arithmetic are, 95 %. Of transformers, what is left out
// (attention over the context, embeddings counted in) comes to a fifth; the
// passes of a convolutional network over one image use each parameter 90 times
// (EfficientNet-B0) to 400 (the U-Net of Stable Diffusion, DenseNet-121), 110 in
// VGG-16 and 160 in ResNet-50: twice the multiply-adds that their papers print
// over the parameters that they print.
var (
	transformerRule = between95(1, 1/1.25, 1.25)
	denseRule       = between95(1, 1/1.5, 1.5)
	convolutionRule = between95(150, 40, 550)
	toldFLOP        = between95(1, 1/1.2, 1.2) // what is counted as one differs
	bytesPerToken   = between95(4.2, 3, 6)     // of text; Pythia: 825 GiB in 300 billion (2.95), LLaMA about 4
)

// arithmetic is how many floating-point operations the run takes. Where that
// cannot be told, missing names what would tell it.
//
//	training   (4·A + 2·T) · D     A parameters that an item passes through, T of them trainable, D items seen
//	inference  2·A · D
//
// which is the 6·N·D and 2·N·D of Kaplan et al. 2020 (arXiv:2001.08361) where all
// are trained: two for the pass forward, two for the errors passed backward, two
// for the gradients of what is trained. D are tokens of a language model. Of
// dense networks they are rows, and of convolutional ones images times the
// places that a parameter is used at.
func (p *Plan) arithmetic() (flop logNormal, missing []string) {
	if p.FLOP > 0 {
		return exactly(p.FLOP).times(toldFLOP), nil
	}
	training := p.Stage.Phase() != lifecycle.PhaseInference
	active := p.Active
	if active == 0 {
		active = p.Parameters
	}
	if active == 0 {
		missing = append(missing, "params")
	}
	seen, what := p.seen(training)
	if what != nil {
		return logNormal{}, append(missing, what...)
	}
	if missing != nil {
		return logNormal{}, missing
	}
	each := 2 * active
	if training {
		trained := active
		if p.Trainable > 0 && p.Trainable < p.Parameters {
			trained = min(p.Trainable, active)
		}
		each = 4*active + 2*trained
	}
	return exactly(each).times(seen), nil
}

// seen is how many items pass through the model, each as often as it uses a
// parameter.
func (p *Plan) seen(training bool) (logNormal, []string) {
	switch {
	case p.Tokens > 0:
		return exactly(p.Tokens).times(transformerRule), nil
	case training && p.DatasetTokens > 0 && p.Epochs > 0:
		return exactly(p.DatasetTokens * p.Epochs).times(transformerRule), nil
	case training && p.DatasetTokens > 0:
		return logNormal{}, []string{"epochs"}
	case !training && p.DatasetTokens > 0:
		return exactly(p.DatasetTokens).times(transformerRule), nil
	}
	words := strings.ToLower(p.Algorithm)
	has := func(list ...string) bool {
		for _, w := range list {
			if strings.Contains(words, w) {
				return true
			}
		}
		return false
	}
	var rule logNormal
	switch {
	case has("perceptron", "mlp", "dense net", "feed-forward", "fully connected", "linear", "logistic") && !has("densenet", "transformer"):
		rule = denseRule
	case p.DataType == "image" && has("transformer", "vit"):
		return logNormal{}, []string{"tokens"} // patches are not told
	case p.DataType == "image" || has("convolution", "cnn", "resnet", "u-net", "unet"):
		rule = convolutionRule
	case p.DataType == "tabular":
		rule = denseRule
	case p.DataType == "text" && p.Bytes > 0 && p.Epochs > 0 && training:
		return exactly(p.Bytes * p.Epochs).over(bytesPerToken).times(transformerRule), nil
	case p.DataType == "text" && p.Bytes > 0 && training:
		return logNormal{}, []string{"epochs"}
	case p.DataType == "" && (p.Items > 0 || p.Requests > 0 || p.Steps > 0):
		return logNormal{}, []string{"tokens, or the data-type of the items (image, tabular)"}
	case p.DataType != "" || !training:
		return logNormal{}, []string{"tokens"} // one item may be any number of them
	}
	switch {
	case !training && p.Items > 0:
		return exactly(p.Items).times(rule), nil
	case !training && p.Requests > 0:
		return exactly(float64(p.Requests)).times(rule), nil
	case !training:
		return logNormal{}, []string{"requests, or items"}
	case p.Steps > 0 && p.Batch > 0:
		return exactly(p.Steps * p.Batch).times(rule), nil
	case p.Items > 0 && p.Epochs > 0:
		return exactly(p.Items * p.Epochs).times(rule), nil
	case p.Items > 0:
		return logNormal{}, []string{"epochs"}
	}
	return logNormal{}, []string{"tokens, or items and epochs, or steps and batch"}
}
