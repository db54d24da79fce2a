// Package redisstore placeholder.
package redisstore
