package publish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/ecotracer/ecotracer/lifecycle/dataset"
)

// croissant describes the data set for programs: Croissant 1.0 of MLCommons
// (http://mlcommons.org/croissant/1.0), JSON-LD on schema.org/Dataset. Types are
// those that its validator knows; the map of functional units is told as its
// keys and values.
func (w *job) croissant() ([]byte, error) {
	type object = map[string]any
	fields := []object{}
	for _, c := range dataset.Columns() {
		about := c.About
		if c.Unit != "" && c.Unit != "1" {
			about += " (" + c.Unit + ")"
		}
		id := "rows/" + c.Name
		source := object{"fileObject": object{"@id": TableFile}, "extract": object{"column": c.Name}}
		field := object{"@type": "cr:Field", "@id": id, "name": c.Name, "description": about, "source": source}
		if c.Type == dataset.UnitsColumn {
			field["repeated"] = true
			var parts []object
			for _, part := range []struct{ name, about, is string }{{"key", "name of the unit", "sc:Text"}, {"value", "count", "sc:Integer"}} {
				parts = append(parts, object{
					"@type": "cr:Field", "@id": id + "/" + part.name, "name": part.name, "description": part.about, "dataType": part.is,
					"source": object{"fileObject": object{"@id": TableFile}, "extract": object{"column": c.Name}, "transform": object{"jsonPath": part.name}},
				})
			}
			delete(field, "source")
			field["subField"] = parts
		} else {
			field["dataType"] = croissantTypes[c.Type]
		}
		fields = append(fields, field)
	}
	d := object{
		"@context": croissantContext, "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.0",
		"name": w.Name, "description": w.Description, "license": licenceURL(w.Licence), "version": w.Version, "citeAs": w.Citation,
		"datePublished": w.Date.Format(time.DateOnly), "isLiveDataset": false,
		"keywords": []string{"energy", "carbon footprint", "life cycle"},
		"distribution": []object{
			w.fileObject(TableFile, "application/x-parquet", "The flat table: a row for each stage and entry of hardware of a run."),
			w.fileObject(RecordsFile, "application/zstd", "The records in full, a line each: NDJSON, compressed by zstd."),
			w.fileObject(SchemaFile, "application/schema+json", "The JSON Schema of a record."),
		},
		"recordSet": []object{{
			"@type": "cr:RecordSet", "@id": "rows", "name": "rows",
			"description": "What one stage of one run used of one entry of hardware by one meter. Null is unknown or not applicable, never zero.",
			"field":       fields,
		}},
	}
	if w.URL != "" {
		d["url"] = w.URL
	}
	var creators []object
	for _, name := range w.Creators {
		creators = append(creators, object{"@type": "sc:Organization", "name": name})
	}
	if len(creators) > 0 {
		d["creator"] = creators
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	return b.Bytes(), nil
}

// fileObject describes a file that was written.
func (w *job) fileObject(name, format, about string) map[string]any {
	i := slices.IndexFunc(w.result.Files, func(f File) bool { return f.Name == name })
	f := w.result.Files[i]
	return map[string]any{
		"@type": "cr:FileObject", "@id": name, "name": name, "description": about, "contentUrl": name, "encodingFormat": format,
		"contentSize": fmt.Sprintf("%d B", f.Bytes), "sha256": f.SHA256,
	}
}

// croissantTypes are the data types of columns. A time is a date with its time:
// the second is the one that readers of Croissant 1.0 know.
var croissantTypes = map[dataset.ColumnType]any{
	dataset.TextColumn: "sc:Text", dataset.NumberColumn: "sc:Float", dataset.CountColumn: "sc:Integer", dataset.TimeColumn: []string{"sc:DateTime", "sc:Date"},
}

// croissantContext gives the terms their meaning (appendix 1 of the
// specification, and the terms that its text uses).
var croissantContext = map[string]any{
	"@language": "en", "@vocab": "https://schema.org/",
	"citeAs": "cr:citeAs", "column": "cr:column", "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
	"data": map[string]any{"@id": "cr:data", "@type": "@json"}, "dataType": map[string]any{"@id": "cr:dataType", "@type": "@vocab"},
	"dct": "http://purl.org/dc/terms/", "examples": map[string]any{"@id": "cr:examples", "@type": "@json"},
	"extract": "cr:extract", "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet", "format": "cr:format",
	"includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField",
	"path": "cr:path", "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace",
	"sc": "https://schema.org/", "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}
