module github.com/certify-go/certify/example

go 1.26.0

require github.com/certify-go/certify v0.0.0

replace github.com/certify-go/certify => ../
