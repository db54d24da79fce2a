package certify

// For tests of what is decided inside.
var (
	IsLocalPath  = isLocalPath
	IsReturnPath = isReturnPath
)
