package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
)

var (
	errTwice = errors.New("names a member twice")
	errCase  = errors.New("names a member in another case than documented")
)

// checkMembers refuses JSON that encoding/json would read in a way of its own:
// it takes the last of two members of one name, and a member whose name differs
// in case from the schema's. schema is the type that data is read into, or nil;
// members that it does not name may have any name, but none twice. data is
// valid JSON.
func checkMembers(data []byte, schema reflect.Type) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // a number that no float64 holds is JSON, too
	return checkValue(d, schema)
}

func checkValue(d *json.Decoder, schema reflect.Type) error {
	for schema != nil && schema.Kind() == reflect.Pointer {
		schema = schema.Elem()
	}
	start, err := d.Token()
	if err != nil {
		return err
	}
	switch start {
	case json.Delim('{'):
		err = checkObject(d, schema)
	case json.Delim('['):
		for d.More() && err == nil {
			err = checkValue(d, elementOf(schema))
		}
	default:
		return nil
	}
	if err != nil {
		return err
	}
	_, err = d.Token() // the closing bracket
	return err
}

func checkObject(d *json.Decoder, schema reflect.Type) error {
	fields, seen := fieldsOf(schema), make(map[string]bool)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // the decoder takes nothing else there
		if seen[name] {
			return errTwice
		}
		seen[name] = true
		field, known := fields[name]
		if !known && differsInCase(fields, name) {
			return errCase
		}
		if err := checkValue(d, field); err != nil {
			return err
		}
	}
	return nil
}

// differsInCase compares as encoding/json does, by Unicode's simple folding.
func differsInCase(fields map[string]reflect.Type, name string) bool {
	for field := range fields {
		if strings.EqualFold(field, name) {
			return true
		}
	}
	return false
}

// fieldsOf are the members that a struct with a json tag at each field names.
func fieldsOf(schema reflect.Type) map[string]reflect.Type {
	if schema == nil || schema.Kind() != reflect.Struct {
		return nil
	}
	fields := make(map[string]reflect.Type, schema.NumField())
	for i := range schema.NumField() {
		f := schema.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = f.Type
	}
	return fields
}

// elementOf is the type of a list's elements. Of the bytes of a
// json.RawMessage nothing is known.
func elementOf(schema reflect.Type) reflect.Type {
	if schema == nil || schema.Kind() != reflect.Slice {
		return nil
	}
	return schema.Elem()
}
