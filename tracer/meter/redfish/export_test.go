package redfish

// OpenEnv is openEnv, for tests.
var OpenEnv = openEnv
