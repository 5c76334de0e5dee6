using static Amesh.Translation.Fields.FieldTreatment;

namespace Amesh.Translation.Fields.Concepts;

/// <summary>What many messages are made of. What holds for a field of such a type holds for it.</summary>
internal static class SharedFields
{
    public static Concept Concept { get; } = new("Shared types",
    [
        new("envoy.type.v3.FractionalPercent")
        {
            { "numerator denominator", Exact("", "parts per million") },
        },
        new("envoy.type.v3.Percent")
        {
            { "value", Exact("") },
        },
        new("envoy.type.v3.Int32Range")
        {
            { "start end", Exact("") },
        },
        new("envoy.type.v3.Int64Range")
        {
            { "start end", Exact("") },
        },
        new("envoy.config.core.v3.RuntimeFractionalPercent")
        {
            { "default_value", Exact("", "parts per million") },
            { "runtime_key", Inert("Amesh has no runtime that could override it") },
        },
        new("envoy.config.core.v3.RuntimeDouble")
        {
            { "default_value", Exact("") },
            { "runtime_key", Inert("Amesh has no runtime that could override it") },
        },
        new("envoy.config.core.v3.DataSource")
        {
            { "inline_string inline_bytes", Exact("") },
            { "filename environment_variable", Exact("", "for secrets, where files are looked at every second; elsewhere it is left out") },
            { "watched_directory", Near("", "the file itself is looked at every second") },
        },
        new("envoy.config.core.v3.TypedExtensionConfig")
        {
            { "name", Inert("extensions are known by their type") },
            { "typed_config", Exact("") },
        },
        new("xds.core.v3.TypedExtensionConfig")
        {
            { "name", Inert("extensions are known by their type") },
            { "typed_config", Exact("") },
        },
        new("udpa.type.v1.TypedStruct")
        {
            { "type_url", Exact("", "the extension that it stands for is looked up by it") },
            { "value", Inert("no extension that comes so is translated") },
        },
        new("xds.type.v3.TypedStruct")
        {
            { "type_url", Exact("", "the extension that it stands for is looked up by it") },
            { "value", Inert("no extension that comes so is translated") },
        },
    ]);
}
