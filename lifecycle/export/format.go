package export

// Format is a format that records can be written in.
type Format struct {
	Name      string // short, such as boamps
	What      string // in words, on one line
	Extension string // of files, such as .json
	Write     Func
}

// Formats lists the formats, by name.
func Formats() []Format {
	return []Format{
		{"boamps", "a report of Boavizta's BoAmps 1.1, with the record in it", ".json", BoAmps},
		{"codecarbon", "a line of CodeCarbon's emissions.csv", ".csv", CodeCarbon},
		{"modelcard", "Hugging Face model card: front matter and a Markdown section", ".md", ModelCard},
	}
}
