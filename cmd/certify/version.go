package main

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
)

func versionCommand() command {
	return command{
		name:    "version",
		summary: "say which version this is",
		run: func(_ context.Context, args []string, stdout, stderr io.Writer) int {
			if len(args) == 1 && isHelp(args[0]) {
				fmt.Fprintln(stderr, "Usage: certify version\n\nsays the version of certify, of Go and of the source it was built from.")
				return exitWell
			}
			if len(args) > 0 {
				fmt.Fprintf(stderr, "certify version: unexpected argument %q\n", args[0])
				return exitMisused
			}
			info, ok := debug.ReadBuildInfo()
			if !ok {
				fmt.Fprintln(stderr, "certify version: this binary was built without modules, and does not know its version")
				return exitFailed
			}
			return printLine(stdout, versionLine(info))
		},
	}
}

// versionLine is "certify v1.2.3 go1.26.8", with the revision where the binary
// was built from a checkout.
func versionLine(info *debug.BuildInfo) string {
	version := info.Main.Version
	if version == "" {
		version = "(devel)"
	}
	line := "certify " + version + " " + info.GoVersion
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if revision := settings["vcs.revision"]; revision != "" {
		line += " " + revision
		if settings["vcs.modified"] == "true" {
			line += " with changes"
		}
	}
	return line
}
