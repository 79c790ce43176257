// Package dataset works on many records.
package dataset
