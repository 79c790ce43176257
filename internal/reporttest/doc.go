// Package reporttest tests the pages of lifecycle/export/report in a real
// browser. It is a module of its own, so that what drives the browser is
// nobody's dependency. The tests need a Chromium on the path, and for those of
// accessibility ECOTRACER_AXE, the path of axe.min.js of the npm package
// axe-core; without them they skip. ECOTRACER_SCREENSHOTS names a folder that
// pictures of the pages are left in, to look at.
package reporttest
