// Package repotest tests the repository: documents, links, the code in them,
// the exported names, and the modules as they are installed. Its tests run in
// the root folder, so that paths read as in the repository.
package repotest
