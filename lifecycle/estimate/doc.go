// Package estimate computes the record of a run that did not take place, or of
// which nothing was measured: from devices, hours and a place, from what a
// publication tells, or from the parameters and tokens of a language model.
//
//	e, err := estimate.Of(estimate.Plan{
//		ID: id, CreatedAt: now,
//		Accelerator: "A100-SXM4-80GB", Count: 8, Hours: &estimate.Given{Value: 72},
//		Provider: "aws", Region: "eu-west-1",
//	})
//
// The record has status estimated, method modelled (declared where the energy
// was given), no times and one span. It is assessed like that of a run:
// operational emissions, water, production and end of life, each with its
// interval. Nothing here reads a clock, a file or the network.
//
// # Energy
//
//	E = t · share · Σ n · P        P = idle + (full − idle) · utilisation
//
// over accelerators and processors (their idle and full power are those of
// package factors), memory (W/GB) and the rest of the machines. Where nobody
// tells how busy the devices are, a utilisation is assumed, with an interval:
//
//   - accelerators: 0.8 (0.5 to 1) of the way from idle to full power. With what
//     busy devices stay below their rating, which the interval of full power
//     tells, that spans 0.4 to 1 of the rating: nodes of eight H100 at
//     compute-intensive training drew 0.76 of it (Newkirk et al. 2025,
//     arXiv:2506.14551), the P100 of Strubell et al. 2019 with all that is
//     around them 177 to 189 W of 250 to 300, and calculators take 1 (Lacoste et
//     al. 2019).
//   - processors that work for themselves: 0.7 (0.3 to 1); beside accelerators:
//     0.3 (0.05 to 1). Analyst ranges.
//
// Of accelerators whose host is not named, the host is taken to draw 0.5 (0.1
// to 1) of what they draw: an HGX node drew 8.4 kW where its eight H100 are
// rated for 5.6 (Latif et al. 2025, arXiv:2412.08602: 0.5), a DGX A100 is rated
// for 6.5 kW and its GPUs for 3.2 (1.0), and V100 of 300 W drew 330 with their
// hosts (Patterson et al. 2021, arXiv:2104.10350: 0.1). Where the processors are
// named, what is neither they nor memory draws 0.3 (0.05 to 0.6) of what
// accelerators for data centres draw. Where a power or the energy is given, it is
// taken to be all that is meant, and no host is added.
//
// # Time of a language model
//
//	training   FLOP = 6 · N · D     (Kaplan et al. 2020, arXiv:2001.08361; Hoffmann et al. 2022, arXiv:2203.15556)
//	inference  FLOP = 2 · N · D
//	t = FLOP / (n · peak · MFU)
//
// N are the active parameters, D the tokens, peak the dense 16-bit operations a
// second. The share of the peak that is reached (model FLOP utilisation,
// Chowdhery et al. 2022, arXiv:2204.02311) is taken to be
//
//   - in training 0.35 (0.2 to 0.6): GPT-3 0.21, Gopher 0.33, Megatron-Turing NLG
//     0.30 and PaLM 0.46 as PaLM's authors give them, Llama 3 0.38 to 0.43
//     (arXiv:2407.21783), and up to 0.52 (Narayanan et al. 2021, arXiv:2104.04473);
//   - in inference 0.1 (0.01 to 0.5). Generating tokens waits for memory, not
//     for arithmetic: one request at a time reaches some thousandths of the
//     peak, large batches a third, reading prompts 0.76 (Pope et al. 2022,
//     arXiv:2211.05102). Give hours, or a measured MFU, where they are known.
//
// # Intervals
//
// Power, utilisation, the host's part, MFU and hours are independent and
// lognormal between their bounds. The energy is computed at their medians and
// with each of them at either bound; the logarithms of what that changes, above
// and below, add in quadrature. A record has one error for a method, which is
// the same up and down by ratio: [v/(1+e), v·(1+e)] around the best estimate v.
// It is that of the wider side, so that it holds what the inputs allow: the
// other side is told too wide, never too narrow. All rows share this one error,
// as they share their time.
//
// Drawing the inputs themselves, 10^5 times for plans of every shape, gives
// energies that are within those bounds to 8 %, and upper bounds of 0.37 of what is
// told or more, less where more is assumed (a test holds it to that). The lower
// bound of the emissions in all is told too high then, for it is that of an energy
// that is taken to lie evenly about v.
//
// A time that follows from parameters and tokens is as uncertain as MFU. Its error
// is in the energy; that the devices are held longer or shorter is not in the
// interval of their production, of which the record warns (time-modelled).
package estimate
