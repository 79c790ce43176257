// Package lifecycle gives a run its meaning: the phases and stages of the life
// cycle, the record of a run and its schema, and the assessment that turns
// joules and device-seconds into emissions and water.
//
// It knows no clock and no sensor. Everything in it is a pure computation over
// plain values, so that whoever holds a record can redo every figure in it.
//
// # Reading and writing
//
// [Decode] reads a record strictly: what it does not know it refuses, and it
// says where. [Encode] writes the same bytes for the same record. [Validate]
// checks a record that is held in memory, and [Check] does both at once for a
// document of unknown origin, telling everything that is wrong with it in one
// list of findings.
//
// # Stages
//
// Two axes are kept apart. A stage such as training/fine-tuning belongs to the
// life cycle of an AI service (ISO/IEC 22989 and 5338, ITU-T L.1801) and holds
// operational energy. The stages of production and end-of-life belong to the
// devices and hold shares of what it takes to make and to discard them. No
// figure is in both. [StageOf] tells the stage that a span's name stands for.
package lifecycle
