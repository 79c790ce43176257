// Package examples holds programs that a user would write.
package examples
