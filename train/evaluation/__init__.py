"""The yardsticks: retrieval, zero-shot classification, probe, few-shot and visual question answering.

suite           which tasks on which sets, for all models, into one report
sets            what is known of a data set: a TOML file each in sets/
readers         labelled pictures from the layouts that people download
embeddings      a model that encodes; features kept in files
retrieval       exact ranks both ways, in tiles
classification  zero-shot, linear probe, few-shot
choices         multiple choice: µ-Bench
vqa             a fusion head over both towers: VQA-RAD, SLAKE
meanwhile       what a run is judged by while it trains
statistics      scores with intervals: bootstrap, paired bootstrap
report          table, JSON and Markdown
"""
