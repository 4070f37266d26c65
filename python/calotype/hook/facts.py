"""What the report says of a snapshot, taken from calotype.inspect."""

TYPES = {"quantized": "INT8", "int8": "INT8", "uint8": "UINT8"}


def facts_of(inspected: dict) -> dict:
    report = inspected["report"]
    totals = report["totals"]
    return {
        "npu": inspected["npu"]["name"],
        "samples": report["images"],  # that calibrated it
        "inputs": [port_type(port) for port in inspected["inputs"]],
        "outputs": [port_type(port) for port in inspected["outputs"]],
        "npu_subgraphs": totals["npu_subgraphs"],
        "cpu_subgraphs": totals["cpu_subgraphs"],
        "npu_macs": totals["npu_macs"],
        "cpu_macs": totals["cpu_macs"],
        "reasons": [reason_of(operator) for operator in report["operators"] if operator["device"] == "CPU"],
    }


def port_type(port: dict) -> str:
    return TYPES.get(port["boundary"], port["type"].upper())


def reason_of(operator: dict) -> str:
    text = f"{operator['operator']} `{operator['name']}` runs on the CPU"
    reason = operator.get("reason")
    if reason is None:
        return text
    return f"{text}: {reason['rule']}: {reason['what']} is {reason['actual']}; {reason['limit']}"
